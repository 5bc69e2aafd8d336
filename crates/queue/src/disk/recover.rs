//! Opening the log: every segment in order, by its index or from its beginning.

use super::files::Files;
use super::index::{self, Index};
use super::{DiskJournal, Segment, SegmentFile, format, lock, scan, segment_path};
use crate::StoreError;
use crate::journal::Place;
use crate::record::{Fact, Record};
use crate::settings::StoreSettings;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A log that was read.
pub(crate) struct Opened {
    pub(crate) journal: DiskJournal,
    pub(crate) torn: u64,
    pub(crate) corrupt: u64,
}

/// Opens the log under `data` and hands every record to `each`, oldest first.
pub(crate) fn open(
    data: &Path,
    settings: &StoreSettings,
    files: Box<dyn Files>,
    mut each: impl FnMut(Place, Fact<'_>),
) -> Result<Opened, StoreError> {
    lock::folder(data)?;
    let held = lock::take(data)?;
    let folder = data.join("log");
    lock::folder(&folder)?;
    sync_folders(data)?;
    let (mut segments, mut torn, mut corrupt) = (BTreeMap::new(), 0, 0);
    let mut next_number = 1;
    // Nothing is touched before everything was read: a later version's log is left as it is.
    let (mut aside, mut cuts, mut damaged, mut indices) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (number, path) in list(&folder)? {
        next_number = number + 1;
        if let Some(segment) = indexed(&folder, &path, number, &mut each)? {
            segments.insert(number, segment);
            continue;
        }
        let bytes = fs::read(&path).map_err(|e| StoreError::Io(format!("{}: {e}", path.display())))?;
        let Some(salt) = header(&path, &bytes, number)? else {
            corrupt += u64::from(bytes.len() > format::SEGMENT_HEADER);
            aside.push((path, bytes.len()));
            continue;
        };
        let found = scan::scan(&bytes, number, salt);
        if let Some(odd) = found.foreign {
            return Err(newer(&path, &odd));
        }
        for range in &found.corrupt {
            corrupt += 1;
            damaged.push((number, range.start, bytes.get(range.clone()).unwrap_or_default().to_vec()));
        }
        torn += (bytes.len() - found.end) as u64;
        let (live, index) = replay(&path, &bytes, &found, &mut each)?;
        if found.corrupt.is_empty() {
            indices.push((number, salt, found.end as u64, index));
        }
        if bytes.len() > found.end {
            cuts.push((path.clone(), found.end as u64));
        }
        let file = File::open(&path).map_err(|e| StoreError::Io(format!("{}: {e}", path.display())))?;
        let file = Arc::new(SegmentFile::new(file, salt));
        segments.insert(number, Segment { file, octets: found.end as u64, live });
    }
    mend(data, &folder, aside, cuts, damaged)?;
    index::remove_others(&folder, |number| segments.contains_key(&number));
    for (number, salt, octets, index) in indices {
        index.write(&folder, number, salt, octets);
    }
    let journal = DiskJournal {
        folder,
        segments,
        tail: None,
        to_cut: Vec::new(),
        next_number,
        // Places are 32 bits; a group may pass the end of its segment by its own length.
        segment_octets: settings.segment_octets.min(1 << 30),
        space_floor: settings.space_floor,
        room_seen: None,
        files,
        _lock: held,
    };
    Ok(Opened { journal, torn, corrupt })
}

/// Hands over the records that were found; returns how much lives, and the index.
fn replay(
    path: &Path,
    bytes: &[u8],
    found: &scan::Scan,
    each: &mut impl FnMut(Place, Fact<'_>),
) -> Result<(u64, Index), StoreError> {
    let (mut live, mut index) = (0, Index::default());
    for seen in &found.records {
        let head = bytes.get(seen.head.clone()).unwrap_or_default();
        let failed = |e| StoreError::Format(format!("{} at {}: {e}", path.display(), seen.place.at));
        let record = Record::read(seen.kind, head).map_err(failed)?;
        live += u64::from(seen.place.octets);
        each(seen.place, Fact::of(&record));
        index.push(seen.place, &record.store(Bytes::new(), Bytes::new()).map_err(failed)?);
    }
    Ok((live, index))
}

/// A segment by its index; `None`: it must be read.
fn indexed(
    folder: &Path,
    path: &Path,
    number: u32,
    each: &mut impl FnMut(Place, Fact<'_>),
) -> Result<Option<Segment>, StoreError> {
    let io = |e: io::Error| StoreError::Io(format!("{}: {e}", path.display()));
    let file = File::open(path).map_err(io)?;
    let octets = file.metadata().map_err(io)?.len();
    let mut front = Vec::with_capacity(format::SEGMENT_HEADER);
    (&file).take(format::SEGMENT_HEADER as u64).read_to_end(&mut front).map_err(io)?;
    let Some(salt) = header(path, &front, number)? else { return Ok(None) };
    let Some(bytes) = index::read(folder, number, salt, octets) else { return Ok(None) };
    let Some(facts) = index::facts(&bytes, number) else { return Ok(None) };
    let mut live = 0;
    for (place, fact) in facts {
        live += u64::from(place.octets);
        each(place, fact);
    }
    Ok(Some(Segment { file: Arc::new(SegmentFile::new(file, salt)), octets, live }))
}

/// What was found to be mended, done once everything was read.
fn mend(
    data: &Path,
    folder: &Path,
    aside: Vec<(PathBuf, usize)>,
    cuts: Vec<(PathBuf, u64)>,
    damaged: Vec<(u32, usize, Vec<u8>)>,
) -> Result<(), StoreError> {
    for (path, octets) in aside {
        header_lost(&path, folder, octets)?;
    }
    for (path, end) in cuts {
        cut(&path, end)?;
    }
    for (number, at, bytes) in damaged {
        quarantine(data, number, at, &bytes);
    }
    Ok(())
}

fn list(folder: &Path) -> Result<BTreeMap<u32, PathBuf>, StoreError> {
    let io = |e: io::Error| StoreError::Io(format!("the folder {} cannot be read: {e}", folder.display()));
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let number = name.to_str().and_then(|n| n.strip_suffix(".log")).and_then(|n| n.parse().ok());
        if let Some(number) = number {
            found.insert(number, segment_path(folder, number));
        }
    }
    Ok(found)
}

fn newer(path: &Path, what: &str) -> StoreError {
    StoreError::Format(format!(
        "{} holds {what}, which this version cannot read; start the version that wrote it. Nothing was changed",
        path.display()
    ))
}

/// The segment's salt; `None`: its header never reached the disk whole.
fn header(path: &Path, bytes: &[u8], number: u32) -> Result<Option<u32>, StoreError> {
    if format::is_foreign_version(bytes) {
        return Err(newer(path, "a log of another version"));
    }
    Ok(format::read_segment_header(bytes, number))
}

/// A segment without a readable header: one that never began goes, one that held mail is set aside.
fn header_lost(path: &Path, folder: &Path, octets: usize) -> Result<(), StoreError> {
    let io = |e: io::Error| StoreError::Io(format!("{}: {e}", path.display()));
    if octets <= format::SEGMENT_HEADER {
        return fs::remove_file(path).map_err(io);
    }
    tracing::error!(segment = %path.display(), octets, "a segment's header is damaged; it was set aside");
    set_aside(path, folder).map_err(io)
}

/// Moves a segment into `quarantine/`, beside the log's folder.
pub(super) fn set_aside(path: &Path, folder: &Path) -> io::Result<()> {
    let to = folder.parent().unwrap_or(folder).join("quarantine");
    lock::folder(&to).map_err(io::Error::other)?;
    fs::rename(path, to.join(path.file_name().unwrap_or_default()))
}

fn quarantine(data: &Path, segment: u32, at: usize, bytes: &[u8]) {
    let folder = data.join("quarantine");
    let path = folder.join(format!("{segment:08}-{at}.bin"));
    let keep = || -> Result<(), StoreError> {
        lock::folder(&folder)?;
        let io = |e: io::Error| StoreError::Io(e.to_string());
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).map_err(io)?;
        file.write_all(bytes).map_err(io)
    };
    let kept = keep();
    tracing::error!(segment, at, octets = bytes.len(), path = %path.display(), ?kept,
        "a stretch of the log is damaged; the rest goes on");
}

/// The folders' own entries, so that a power cut after the first start cannot undo them.
fn sync_folders(data: &Path) -> Result<(), StoreError> {
    let parent = data.parent().filter(|p| !p.as_os_str().is_empty());
    for folder in [Some(data), parent].into_iter().flatten() {
        let synced = File::open(folder).and_then(|f| f.sync_all());
        synced.map_err(|e| StoreError::Io(format!("the folder {}: {e}", folder.display())))?;
    }
    Ok(())
}

fn cut(path: &Path, end: u64) -> Result<(), StoreError> {
    let io = |e: io::Error| StoreError::Io(format!("{}: {e}", path.display()));
    let file = OpenOptions::new().write(true).open(path).map_err(io)?;
    file.set_len(end).and_then(|()| file.sync_data()).map_err(io)
}

/// A random number that mail bodies cannot know.
pub(super) fn salt() -> io::Result<u32> {
    let mut bytes = [0; 4];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(u32::from_le_bytes(bytes))
}
