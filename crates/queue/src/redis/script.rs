//! The scripts that run in Redis, each one atomic. What is common to them stands before each.

use std::sync::LazyLock;

/// A script, and the name Redis knows it by.
pub(super) struct Script {
    pub(super) text: String,
    pub(super) sha: String,
}

impl Script {
    fn new(body: &str, flags: &str) -> Self {
        let text = format!("#!lua{flags}\n{}{body}", include_str!("lua/prelude.lua"));
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        let sha = digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
        Self { text, sha }
    }
}

macro_rules! scripts {
    ($($name:ident = $file:literal $flags:literal)*) => {
        $(pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(include_str!(concat!("lua/", $file, ".lua")), $flags));)*
    };
}

// A Redis that is full refuses what is new, and never what empties it.
scripts! {
    INSERT = "insert" ""
    LEASE = "lease" " flags=allow-oom"
    MOVE = "move" " flags=allow-oom"
    GIVE = "give" " flags=allow-oom"
    SWEEP = "sweep" " flags=allow-oom"
    BEAT = "beat" " flags=allow-oom"
    KNOW = "know" " flags=allow-oom"
    PART = "part" " flags=allow-oom"
    LOOK = "look" " flags=allow-oom"
    ASIDE = "aside" " flags=allow-oom"
    HURRY = "hurry" " flags=allow-oom"
    RATION = "ration" " flags=allow-oom"
    HOLD = "hold" " flags=allow-oom"
    PROBE = "probe" " flags=allow-oom"
    UNFILE = "unfile" " flags=allow-oom"
    STATS = "stats" " flags=allow-oom"
}
