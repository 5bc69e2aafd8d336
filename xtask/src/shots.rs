//! `shots`: pictures of every built-in mail, wide and narrow, light and dark, by headless Chromium.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::run::{root, run};

/// Name, pixels across and down.
const SIZES: [(&str, u32, u32); 2] = [("wide", 800, 900), ("narrow", 375, 1_000)];
/// Name, and Blink's number for what the reader prefers.
const SCHEMES: [(&str, u8); 2] = [("light", 1), ("dark", 0)];

/// Writes `target/shots/EVENT.LANGUAGE.SIZE.SCHEME.png` of the mails whose names hold `filter`.
pub(crate) fn shots(filter: &str) -> Result<()> {
    let (golden, folder) = (root().join("crates/notify/tests/golden"), root().join("target/shots"));
    fs::create_dir_all(&folder)?;
    let mut mails: Vec<PathBuf> =
        fs::read_dir(&golden)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    mails.retain(|path| path.to_string_lossy().contains(filter));
    mails.sort();
    if mails.is_empty() {
        bail!("no mail in {} has {filter:?} in its name", golden.display());
    }
    let profile = folder.join("profile");
    for mail in &mails {
        let name = mail.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let page = folder.join(format!("{name}.html"));
        fs::write(&page, html(&fs::read_to_string(mail)?).with_context(|| name.clone())?)?;
        for (size, width, height) in SIZES {
            for (scheme, number) in SCHEMES {
                let picture = folder.join(format!("{name}.{size}.{scheme}.png"));
                shoot(&page, &picture, (width, height), number, &profile)?;
            }
        }
        println!("{name}");
    }
    println!("{} mails, pictures in {}", mails.len(), folder.display());
    Ok(())
}

fn shoot(page: &Path, picture: &Path, (width, height): (u32, u32), scheme: u8, profile: &Path) -> Result<()> {
    // Nothing of an earlier run may show.
    if profile.exists() {
        fs::remove_dir_all(profile)?;
    }
    let mut chromium = Command::new("chromium");
    chromium.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
    ]);
    chromium.arg(format!("--user-data-dir={}", profile.display()));
    chromium.arg(format!("--blink-settings=preferredColorScheme={scheme}"));
    chromium.arg(format!("--window-size={width},{height}"));
    chromium.arg(format!("--screenshot={}", picture.display()));
    chromium.arg(format!("file://{}", page.display()));
    chromium.stdout(Stdio::null()).stderr(Stdio::null());
    run(&mut chromium).context("is the package chromium installed?")?;
    if !picture.exists() {
        bail!("chromium wrote no {}", picture.display());
    }
    Ok(())
}

/// The HTML part of a mail that our composer made.
fn html(mail: &str) -> Result<String> {
    let (_, part) =
        mail.split_once("\r\nContent-Type: text/html; charset=utf-8\r\n").context("no HTML part")?;
    let (fields, text) = part.split_once("\r\n\r\n").context("no end of the part's header")?;
    let text = text.split("\r\n--=_").next().unwrap_or(text);
    match fields.rsplit(' ').next() {
        Some("quoted-printable") => quoted_printable(text),
        Some("7bit") => Ok(text.to_owned()),
        other => bail!("the HTML part travels as {other:?}"),
    }
}

fn quoted_printable(text: &str) -> Result<String> {
    let text = text.replace("=\r\n", "");
    let mut pieces = text.split('=');
    let mut out = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).context("an octet is cut off")?;
        out.push(u8::from_str_radix(digits, 16)?);
        out.extend_from_slice(rest.as_bytes());
    }
    Ok(String::from_utf8(out)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_html_part_is_found_and_read() {
        let mail = "Subject: x\r\n\r\n--=_a7\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nx\r\n--=_a7\r\n\
                    Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                    <p lang=3D\"de\">Gr=C3=BC=\r\n=C3=9Fe</p>\r\n--=_a7--\r\n";
        assert_eq!(html(mail).unwrap(), "<p lang=\"de\">Grüße</p>");
        assert!(html("Subject: x\r\n\r\nx").is_err());
    }
}
