//! What stands in Redis, read past the store, and whether it agrees with itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use testkit::{RedisConnection, Reply};

/// Everything of a queue in one look: jobs, sorted sets, hashes, leases, lanes.
const DUMP: &str = r"
local P = ARGV[1]
local jobs = {}
for _, id in ipairs(redis.call('ZRANGE', P .. 'all', 0, -1)) do
    local f = redis.call('HMGET', P .. 'j:' .. id, 's', 'st', 'q', 'g', 'n', 'v', 'ex', 'du', 'ro', 'on', 'sz', 'dt')
    for i = 1, 12 do f[i] = f[i] or '?' end
    f[13] = redis.call('HEXISTS', P .. 'j:' .. id, 'x')
    f[14] = redis.call('LLEN', P .. 'a:' .. id)
    f[15] = id
    jobs[#jobs + 1] = f
end
local sets = {}
for _, set in ipairs({ 'live', 'open', 'wait', 'trouble', 'done', 'rest', 'nodes' }) do
    sets[#sets + 1] = redis.call('ZRANGE', P .. set, 0, -1, 'WITHSCORES')
end
local hashes = { redis.call('HGETALL', P .. 'counts'), redis.call('HGETALL', P .. 'routes') }
local leases, lanes, turns = {}, {}, {}
for _, key in ipairs(redis.call('KEYS', '*')) do
    local rest = string.sub(key, #P + 1)
    local kind = string.sub(rest, 1, 2)
    if kind == 'n:' then leases[#leases + 1] = { string.sub(rest, 3), redis.call('HGETALL', key) } end
    if kind == 'q:' then lanes[#lanes + 1] = { string.sub(rest, 3), redis.call('LRANGE', key, 0, -1) } end
    if kind == 't:' then turns[#turns + 1] = { string.sub(rest, 3), redis.call('LRANGE', key, 0, -1) } end
end
return { jobs, sets, hashes, leases, lanes, turns, redis.call('GET', P .. 'bytes') or '0' }
";

/// A job, as its fields tell.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) state: String,
    status: usize,
    lane: String,
    project: String,
    pub(crate) node: String,
    pub(crate) version: u64,
    pub(crate) ends: i64,
    due: i64,
    route: String,
    only: String,
    octets: u64,
    bytes: bool,
    pub(crate) attempts: i64,
}

/// By member, the score.
type Set = BTreeMap<String, i64>;

pub(crate) struct Books {
    pub(crate) jobs: BTreeMap<String, Entry>,
    sets: Vec<Set>,
    counts: HashMap<String, i64>,
    routes: HashMap<String, i64>,
    /// Node, id, version.
    leases: Vec<(String, String, u64)>,
    lanes: HashMap<String, Vec<String>>,
    turns: HashMap<String, Vec<String>>,
    octets: u64,
}

fn items(reply: &Reply) -> &[Reply] {
    let Reply::List(items) = reply else { panic!("no list: {reply:?}") };
    items
}

fn pairs(reply: &Reply) -> Vec<(String, String)> {
    let texts = reply.texts();
    texts.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn number<N: std::str::FromStr>(text: &str) -> N {
    // A score may be told as 1.7672256e+15, which is exact below 2^53.
    let whole = text.parse::<f64>().map(|n| format!("{n:.0}"));
    whole.ok().and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no number: {text}"))
}

fn entry(row: &Reply) -> (String, Entry) {
    let f = row.texts();
    let entry = Entry {
        state: f[0].clone(),
        status: number(&f[1]),
        lane: f[2].clone(),
        project: f[3].clone(),
        node: f[4].clone(),
        version: number(&f[5]),
        ends: number(&f[6]),
        due: number(&f[7]),
        route: f[8].clone(),
        only: f[9].clone(),
        octets: number(&f[10]),
        bytes: f[12] == "1",
        attempts: number(&f[13]),
    };
    (f[14].clone(), entry)
}

fn lists(reply: &Reply) -> HashMap<String, Vec<String>> {
    let one = |pair: &Reply| (items(pair)[0].text(), items(pair)[1].texts());
    items(reply).iter().map(one).collect()
}

fn counted(pairs: Vec<(String, String)>) -> HashMap<String, i64> {
    let counted = pairs.into_iter().map(|(name, many)| (name, number(&many)));
    counted.filter(|(_, many)| *many != 0).collect()
}

impl Books {
    pub(crate) fn read(connection: &mut RedisConnection, queue: &str) -> Self {
        let answer = connection.command(&["EVAL", DUMP, "0", &format!("postrider:{{{queue}}}:")]).unwrap();
        let parts = items(&answer);
        let set =
            |set: &Reply| pairs(set).into_iter().map(|(member, score)| (member, number(&score))).collect();
        let leases = items(&parts[3]).iter().flat_map(|node| {
            let name = items(node)[0].text();
            let of_node = pairs(&items(node)[1]).into_iter();
            of_node.map(move |(id, version)| (name.clone(), id, number(&version)))
        });
        Self {
            jobs: items(&parts[0]).iter().map(entry).collect(),
            sets: items(&parts[1]).iter().map(set).collect(),
            counts: counted(pairs(&items(&parts[2])[0])),
            routes: counted(pairs(&items(&parts[2])[1])),
            leases: leases.collect(),
            lanes: lists(&parts[4]),
            turns: lists(&parts[5]),
            octets: number(&parts[6].text()),
        }
    }

    fn those(&self, states: &str, score: impl Fn(&Entry) -> i64) -> Set {
        let those = self.jobs.iter().filter(|(_, entry)| states.contains(&entry.state));
        those.map(|(id, entry)| (id.clone(), score(entry))).collect()
    }

    /// Jobs that a node which asks for any must get.
    pub(crate) fn ready(&self, now: i64) -> usize {
        self.jobs.values().filter(|entry| entry.state == "r" && entry.ends > now).count()
    }

    /// Panics where two places tell different things.
    pub(crate) fn agree(&self, now: i64) {
        let [live, open, wait, trouble, done, rest, nodes] = &self.sets[..] else { panic!("seven sets") };
        assert_eq!(*live, self.those("wrlh", |_| 0), "live");
        assert_eq!(*open, self.those("wrh", |entry| entry.ends), "open");
        assert_eq!(*wait, self.those("w", |entry| entry.due), "wait");
        assert!(trouble.keys().all(|id| wait.contains_key(id)), "trouble");
        assert_eq!(
            done.keys().collect::<Vec<_>>(),
            self.those("f", |_| 0).keys().collect::<Vec<_>>(),
            "done"
        );
        assert!(rest.keys().all(|id| done.contains_key(id) && self.jobs[id].bytes), "rest");
        self.leases_agree(nodes);
        self.counts_agree();
        self.lanes_agree(now);
    }

    fn leases_agree(&self, nodes: &Set) {
        let leased = self.jobs.iter().filter(|(_, entry)| entry.state == "l");
        let leased: BTreeSet<_> =
            leased.map(|(id, entry)| (entry.node.clone(), id.clone(), entry.version)).collect();
        assert_eq!(leased, self.leases.iter().cloned().collect(), "leases");
        assert!(self.leases.iter().all(|(node, ..)| nodes.contains_key(node)), "a lease nobody looks after");
    }

    fn counts_agree(&self) {
        let (mut counts, mut routes) = (HashMap::new(), HashMap::new());
        for entry in self.jobs.values() {
            *counts.entry(entry.status.to_string()).or_insert(0) += 1;
            let fits = match entry.state.as_str() {
                "w" => matches!(entry.status, 0 | 3),
                "r" => entry.status == 1,
                "l" => entry.status == 2,
                "h" => entry.status == 4,
                _ => entry.status >= 5,
            };
            assert!(fits, "{entry:?}");
            if entry.state != "f" {
                *routes.entry(format!("r{}", entry.route)).or_insert(0) += 1;
                if !entry.only.is_empty() {
                    *routes.entry(format!("o{}", entry.only)).or_insert(0) += 1;
                }
            }
        }
        assert_eq!((&counts, &routes), (&self.counts, &self.routes));
        let octets = self.jobs.values().filter(|entry| entry.bytes).map(|entry| entry.octets).sum::<u64>();
        assert_eq!(octets, self.octets);
    }

    fn lanes_agree(&self, now: i64) {
        for (id, entry) in self.jobs.iter().filter(|(_, entry)| entry.state == "r" && entry.ends > now) {
            let lane = self.lanes.get(&format!("{}\u{1}{}", entry.lane, entry.project));
            assert!(lane.is_some_and(|lane| lane.contains(id)), "{id} stands in no lane: {entry:?}");
        }
        for name in self.lanes.keys() {
            let (lane, project) = name.split_once('\u{1}').unwrap();
            let turns = self.turns.get(lane).into_iter().flatten().filter(|turn| *turn == project).count();
            assert_eq!(turns, 1, "{project} has its turn in {lane}");
        }
    }
}
