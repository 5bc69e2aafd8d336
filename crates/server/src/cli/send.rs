//! `send`: one mail through the daemon, or by ourselves when there is none.

use super::client::{self, Client};
use super::queue::show;
use super::{args, direct, find, note, print, send_many};
use crate::config::Surroundings;
use crate::exit::Failure;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::Method;
use serde_json::{Map, Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Octets of one file that are read: the largest mail there is.
const MAX_FILE: u64 = 50_000_000;
/// How long `--wait` waits.
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) async fn run(send: args::Send, around: Surroundings) -> Result<(), Failure> {
    let (place, variables) = sort(&send)?;
    let message = message(&send, variables)?;
    let many =
        send.to_file.as_deref().map(|file| send_many::people(file, &read("--to-file", file)?)).transpose()?;
    let data_dir = find::data_dir(&place, &around)?;
    if let Some(client) = Client::find(client::sockets(&data_dir, &around)).await {
        if let Some(people) = many {
            return send_many::send(&client, &message, &people, send.yes, send.json).await;
        }
        return submit(&client, &message, send.wait, send.json).await;
    }
    if send.config.is_some() && many.is_none() {
        let around = Surroundings { run_commands: true, ..around };
        let settings = find::settings(send.config.as_deref(), &around)?;
        return direct::deliver(&message, &settings, send.json).await;
    }
    Err(Failure::Unavailable(format!(
        "no daemon answers at {}; start one with postrider serve, or name its folder by --data or its \
         settings by --config",
        data_dir.join("submit.sock").display()
    )))
}

async fn submit(client: &Client, message: &Value, wait: bool, json: bool) -> Result<(), Failure> {
    let answer = client.call(Method::POST, "/emails", Some(message)).await?.success()?;
    let id = answer.get("id").and_then(Value::as_str);
    let id = id.ok_or_else(|| Failure::Protocol("the daemon accepted the mail and named no id".into()))?;
    if !wait || !json {
        print(&if json { answer.to_string() } else { id.to_owned() })?;
    }
    if !wait {
        return Ok(());
    }
    let Ok(mail) = tokio::time::timeout(PATIENCE, settled(client, id)).await else {
        return Err(Failure::Later(format!(
            "{id} is accepted and not yet delivered; the daemon goes on trying"
        )));
    };
    outcome(&mail?, id, json)
}

/// Tells what became of a settled mail, in the relay's words.
fn outcome(mail: &Value, id: &str, json: bool) -> Result<(), Failure> {
    let status = mail.get("status").and_then(Value::as_str).unwrap_or_default();
    let recipients = mail.get("recipients");
    if json {
        print(&json!({"id": id, "status": status, "recipients": recipients}).to_string())?;
    }
    let said: Vec<String> = show::recipients(recipients.unwrap_or(&Value::Null)).collect();
    if status != queue::Status::Sent.word() {
        let show = format!("postrider queue show {id} tells the whole story");
        return Err(Failure::Unavailable(format!("{id} is {status}\n{}\n{show}", said.join("\n"))));
    }
    if !json {
        note(&said.join("\n"));
    }
    Ok(())
}

/// Asks until the mail's status is final; the mail then.
pub(crate) async fn settled(client: &Client, id: &str) -> Result<Value, Failure> {
    let mut pause = Duration::from_millis(20);
    loop {
        let mail = client.call(Method::GET, &format!("/emails/{id}"), None).await?.success()?;
        let status = mail.get("status").and_then(Value::as_str).unwrap_or_default();
        match queue::Status::parse(status) {
            Some(end) if end.is_final() => return Ok(mail),
            Some(_) => {}
            None => {
                return Err(Failure::Protocol(format!("the daemon gave {id} the unknown status {status:?}")));
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// What the `--data`s name: a folder is the daemon's, a file holds what the template is filled with.
fn sort(send: &args::Send) -> Result<(args::Where, Option<&Path>), Failure> {
    let (folders, files): (Vec<&PathBuf>, Vec<_>) = send.data.iter().partition(|path| path.is_dir());
    let once = || Failure::Usage("--data names two folders or two files; keep one of each".into());
    let (folder, file) = match (folders.as_slice(), files.as_slice()) {
        ([_, _, ..], _) | (_, [_, _, ..]) => return Err(once()),
        (folders, files) => (folders.first(), files.first()),
    };
    if folder.is_some() && send.config.is_some() {
        return Err(Failure::Usage("--config and a folder by --data both name the daemon; keep one".into()));
    }
    match (file, &send.template) {
        (Some(path), None) => Err(Failure::Usage(format!(
            "--data {}: there is no such folder; a file goes with --template ID",
            path.display()
        ))),
        (file, _) => {
            let place =
                args::Where { config: send.config.clone(), data: folder.map(|path| path.to_path_buf()) };
            Ok((place, file.map(|path| path.as_path())))
        }
    }
}

/// The template's key of the message JSON.
fn template(id: &str, lang: Option<&str>, variables: Option<&Path>) -> Result<Value, Failure> {
    let variables = match variables {
        None => json!({}),
        Some(path) => {
            let bad = |error| Failure::BadMessage(format!("--data {}: {error}", path.display()));
            serde_json::from_slice(&read("--data", path)?).map_err(bad)?
        }
    };
    let mut template = json!({"id": id, "variables": variables});
    if let (Some(lang), Value::Object(template)) = (lang, &mut template) {
        template.insert("language".into(), json!(lang));
    }
    Ok(template)
}

/// The message JSON of the flags.
fn message(send: &args::Send, variables: Option<&Path>) -> Result<Value, Failure> {
    let stdin = Path::new("-");
    let readers = [&send.text, &send.html].into_iter().flatten().chain(&send.attach);
    let readers = readers.map(PathBuf::as_path).chain(variables);
    if readers.filter(|path| *path == stdin).count() > 1 {
        return Err(Failure::Usage(
            "stdin (-) can be read once only; put one of the parts into a file".into(),
        ));
    }
    if send.text.is_none() && send.html.is_none() && send.template.is_none() {
        return Err(Failure::Usage(
            "the mail has no content; give --text FILE, --html FILE (- reads stdin) or --template ID".into(),
        ));
    }
    let mut message = Map::new();
    message.insert("to".into(), json!(send.to));
    message.insert("subject".into(), json!(send.subject));
    if let Some(id) = &send.template {
        message.insert("template".into(), template(id, send.lang.as_deref(), variables)?);
    }
    for (key, list) in [("cc", &send.cc), ("bcc", &send.bcc)] {
        if !list.is_empty() {
            message.insert(key.into(), json!(list));
        }
    }
    if let Some(from) = &send.from {
        message.insert("from".into(), json!(from));
    }
    for (key, flag, file) in [("text", "--text", &send.text), ("html", "--html", &send.html)] {
        if let Some(path) = file {
            let text = String::from_utf8(read(flag, path)?).map_err(|_| {
                Failure::BadMessage(format!("{flag} {}: is not UTF-8; convert it", path.display()))
            })?;
            message.insert(key.into(), json!(text));
        }
    }
    if !send.header.is_empty() {
        message.insert("headers".into(), headers(&send.header)?);
    }
    let attachments = send.attach.iter().map(|path| attachment(path)).collect::<Result<Vec<_>, _>>()?;
    if !attachments.is_empty() {
        message.insert("attachments".into(), json!(attachments));
    }
    Ok(Value::Object(message))
}

fn headers(lines: &[String]) -> Result<Value, Failure> {
    let mut fields: Map<String, Value> = Map::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| {
            Failure::Usage(format!("--header {line:?} has no colon; write it as \"Name: value\""))
        })?;
        let values = fields.entry(name.trim()).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(json!(value.trim_matches(' ')));
        }
    }
    Ok(Value::Object(fields))
}

fn attachment(path: &Path) -> Result<Value, Failure> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).filter(|n| n != "-");
    let content = BASE64_STANDARD.encode(read("--attach", path)?);
    Ok(json!({"filename": name.unwrap_or_else(|| "attachment".into()), "content": content}))
}

fn read(flag: &'static str, path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |because| Failure::Read { flag, path: path.to_owned(), because };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    match bytes.len() as u64 > MAX_FILE {
        true => {
            Err(Failure::BadMessage(format!("{flag} {} is longer than {MAX_FILE} octets", path.display())))
        }
        false => Ok(bytes),
    }
}
