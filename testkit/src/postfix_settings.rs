//! What the real Postfix of the tests is told: `main.cf`, `master.cf`, users.

use std::path::Path;

pub(crate) const POSTFIX_ID: u32 = 12_501;
pub(crate) const MAIL_ID: u32 = 12_502;
pub(crate) const DROP_ID: u32 = 12_503;
pub(crate) const REALM: &str = "example.net";

/// The ports of the three listeners.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) smtp: u16,
    pub(crate) smtps: u16,
    pub(crate) submission: u16,
}

pub(crate) fn passwd() -> String {
    format!(
        "root:x:0:0::/:/bin/sh\npostfix:x:{POSTFIX_ID}:{POSTFIX_ID}::/:/bin/false\n\
         vmail:x:{MAIL_ID}:{MAIL_ID}::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n"
    )
}

pub(crate) fn group() -> String {
    format!(
        "root:x:0:\npostfix:x:{POSTFIX_ID}:\nvmail:x:{MAIL_ID}:\npostdrop:x:{DROP_ID}:\nnogroup:x:65534:\n"
    )
}

/// Where it is, and what it must not take from the machine.
fn place(folder: &Path) -> String {
    let at = folder.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {at}/queue
data_directory = {at}/state
command_directory = {at}/package/usr/sbin
daemon_directory = {at}/package/usr/lib/postfix/sbin
shlib_directory = {at}/package/usr/lib/postfix
meta_directory = {at}/conf
mail_owner = postfix
setgid_group = postdrop
import_environment = MAIL_CONFIG LD_LIBRARY_PATH TZ=UTC
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mx.{REALM}
mydestination =
alias_maps =
maillog_file = {at}/mail/log
maillog_file_prefixes = {at}
"
    )
}

/// What the relay puts off is tried again as soon as Postfix can.
pub(crate) const AT_ONCE: &str =
    "queue_run_delay = 1s\nminimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n";

/// All mail goes to one relay. No line may stand twice: each process would log a warning as it starts, and postlogd, whose
/// own goes to a socket that by then is full, would wait for itself.
pub(crate) fn null_client(folder: &Path, relay: u16, more: &str) -> String {
    format!(
        "{}relayhost = [127.0.0.1]:{relay}
local_transport = error:no mail is for this machine
smtpd_recipient_restrictions = permit_mynetworks, reject
smtp_tls_security_level = none
{more}",
        place(folder)
    )
}

/// Every recipient of every domain but two goes into one maildir; a sender of its own is refused at MAIL, not later.
pub(crate) fn main_cf(folder: &Path) -> String {
    let at = folder.display();
    format!(
        "{}local_header_rewrite_clients =
message_size_limit = 60000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = {at}/mail
virtual_uid_maps = static:{MAIL_ID}
virtual_gid_maps = static:{MAIL_ID}
virtual_transport = virtual
smtpd_delay_reject = no
smtpd_sender_restrictions = check_sender_access inline:{{{{banned@example.com = 550 5.7.1 not from you}}}}
smtpd_recipient_restrictions = check_recipient_access inline:{{{{refused@example.org = 550 5.1.1 nobody of that name}}, {{later@example.org = 451 4.2.1 come again}}}}, permit_mynetworks, reject
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {at}/conf/sasl
smtpd_sasl_local_domain = {REALM}
smtpd_tls_cert_file = {at}/conf/cert.pem
smtpd_tls_key_file = {at}/conf/key.pem
smtpd_tls_security_level = none
smtpd_tls_loglevel = 1
",
        place(folder)
    )
}

/// `more` after those of `lines` that it does not replace: see [`null_client`] for what a line that stands twice does.
pub(crate) fn replaced(lines: &str, more: &str) -> String {
    let name = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let new: Vec<String> = more.lines().map(name).collect();
    let kept = lines.split_inclusive('\n').filter(|line| !new.contains(&name(line)));
    kept.chain([more]).collect()
}

pub(crate) fn master_cf(ports: Ports) -> String {
    let Ports { smtp, smtps, submission } = ports;
    let signed_in =
        "-o smtpd_sasl_auth_enable=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject";
    format!(
        "127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes {signed_in}
127.0.0.1:{submission} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt {signed_in}
door unix n - n - - smtpd
{}",
        services()
    )
}

/// One plain listener.
pub(crate) fn null_services(port: u16) -> String {
    format!("127.0.0.1:{port} inet n - n - 300 smtpd\n{}", services())
}

fn services() -> String {
    let mut text = String::from(
        "postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
virtual unix - n n - - virtual
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
cleanup unix n - n - 0 cleanup
",
    );
    for name in ["bounce", "defer", "trace"] {
        text.push_str(&format!("{name} unix - - n - 0 bounce\n"));
    }
    for (name, program) in
        [("smtp", "smtp"), ("error", "error"), ("retry", "error"), ("proxymap", "proxymap")]
    {
        text.push_str(&format!("{name} unix - - n - - {program}\n"));
    }
    text
}

pub(crate) fn sasl(folder: &Path) -> String {
    let base = folder.join("conf/sasl/users");
    format!(
        "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {}\nmech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 NTLM\n",
        base.display()
    )
}

/// Runs inside the mount namespace as `sh -e -c SCRIPT sh FOLDER PACKAGE`.
pub(crate) const START: &str = "\
mount --bind \"$1/etc/passwd\" /etc/passwd
mount --bind \"$1/etc/group\" /etc/group
mount --bind \"$2\" \"$1/package\"
exec \"$1/package/usr/lib/postfix/sbin/master\" -d
";

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn no_line_stands_twice() {
        assert_eq!(replaced("a = 1\nab = 2\nc =\n", "a=3\nd = 4\n"), "ab = 2\nc =\na=3\nd = 4\n");
    }
}
