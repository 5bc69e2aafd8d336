//! What the real Dovecot of the tests is told: `dovecot.conf`, users, the key of its tokens.

use std::fmt::Write;
use std::path::Path;

pub(crate) const DOVECOT_ID: u32 = 12_511;
pub(crate) const LOGIN_ID: u32 = 12_512;
pub(crate) const BOX_ID: u32 = 12_513;
pub(crate) const REALM: &str = "example.net";
/// Octets the mailbox of `full` may hold: less than any mail has.
const TINY: u32 = 10;
/// Users `r0` and so on, for mail to many.
pub(crate) const CROWD: u32 = 200;

/// The ports of the listeners, and of the relay that submission hands mail to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) lmtp: u16,
    pub(crate) submission: u16,
    pub(crate) submissions: u16,
    pub(crate) relay: u16,
}

pub(crate) fn passwd() -> String {
    format!(
        "root:x:0:0::/:/bin/sh\ndovecot:x:{DOVECOT_ID}:{DOVECOT_ID}::/:/bin/false\n\
         dovenull:x:{LOGIN_ID}:{LOGIN_ID}::/:/bin/false\nvmail:x:{BOX_ID}:{BOX_ID}::/:/bin/false\n\
         nobody:x:65534:65534::/:/bin/false\n"
    )
}

pub(crate) fn group() -> String {
    format!(
        "root:x:0:\ndovecot:x:{DOVECOT_ID}:\ndovenull:x:{LOGIN_ID}:\nvmail:x:{BOX_ID}:\nnogroup:x:65534:\n"
    )
}

/// `user`, `ada`, `bob`, the full mailbox, and the crowd; one password for all.
pub(crate) fn users(folder: &Path, password: &str) -> String {
    let mut text = String::new();
    let named = ["user", "ada", "bob", "full"].map(String::from);
    for name in named.into_iter().chain((0..CROWD).map(|n| format!("r{n}"))) {
        let home = folder.join("mail").join(&name);
        let bound = if name == "full" { format!("userdb_quota_rule=*:bytes={TINY}") } else { String::new() };
        writeln!(text, "{name}@{REALM}:{{PLAIN}}{password}::::{}::{bound}", home.display())
            .expect("a String takes all");
    }
    text
}

/// Tokens are checked here, with a key of ours, without a server.
pub(crate) fn oauth2(folder: &Path) -> String {
    format!(
        "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={}/keys/\n\
         username_attribute = email\nscope =\n",
        folder.display()
    )
}

pub(crate) fn conf(folder: &Path, ports: Ports) -> String {
    format!("{}{}", common(folder), listeners(ports))
}

fn common(folder: &Path) -> String {
    let at = folder.display();
    format!(
        "protocols = lmtp submission
listen = 127.0.0.1
base_dir = {at}/base
state_dir = {at}/state
log_path = {at}/log
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovenull
hostname = mx.{REALM}
postmaster_address = postmaster@{REALM}
ssl = yes
ssl_cert = <{at}/cert.pem
ssl_key = <{at}/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer
auth_failure_delay = 0
auth_realms = {REALM}
auth_default_realm = {REALM}
mail_location = maildir:~/
mail_uid = {BOX_ID}
mail_gid = {BOX_ID}
first_valid_uid = {BOX_ID}
mail_plugins = quota
mail_fsync = never
plugin {{
  quota = maildir:box
}}
passdb {{
  driver = passwd-file
  args = {at}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {at}/oauth2
}}
userdb {{
  driver = passwd-file
  args = {at}/users
}}
"
    )
}

fn listeners(ports: Ports) -> String {
    let Ports { lmtp, submission, submissions, relay } = ports;
    format!(
        "submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service submission-login {{
  chroot =
  inet_listener submission {{
    port = {submission}
  }}
  inet_listener submissions {{
    port = {submissions}
    ssl = yes
  }}
}}
"
    )
}

/// Runs inside the mount namespace as `sh -e -c SCRIPT sh FOLDER PACKAGE`. Dovecot's paths are built into it,
/// so its package is laid over `/usr`.
pub(crate) const START: &str = "\
mount --bind \"$1/etc/passwd\" /etc/passwd
mount --bind \"$1/etc/group\" /etc/group
mount -t overlay overlay -o \"lowerdir=$2/usr:/usr\" /usr
exec /usr/sbin/dovecot -F -c \"$1/dovecot.conf\"
";
