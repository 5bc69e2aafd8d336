//! `[postrider.template]`: where templates are.

use super::reader::Reader;
use super::settings::TemplateFolder;
use postrider::Language;

const SECTION: &str = "postrider.template";

pub(crate) fn folder(r: &mut Reader<'_>) -> TemplateFolder {
    let dir = r.path(SECTION, "DIR").map(|(dir, origin)| {
        if !dir.is_dir() {
            let problem = format!("{} is no folder; make it, or name another", dir.display());
            r.findings.mistake(Some(origin), SECTION, "DIR", problem);
        }
        dir
    });
    let language = r.parsed(SECTION, "LANGUAGE", Language::default(), |text| {
        Language::parse(text)
            .ok_or_else(|| format!("{text:?} is no language tag; write one such as en or de-AT"))
    });
    TemplateFolder { dir, language }
}
