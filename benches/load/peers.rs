//! The gateway, nginx and `HAProxy` under the same duties and the bare hyper server, side by side with the same bytes.

use crate::Bench;
use netweave_benches::Result;
use netweave_benches::connection::{Connection, fetch, get};
use netweave_benches::go::{self, Go};
use netweave_benches::haproxy;
use netweave_benches::pki::Authority;
use netweave_benches::report::{Report, say};
use netweave_benches::server::{self, Server};
use netweave_benches::stock::Stock;
use rustls::ClientConfig;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the first lines of `HAProxy`'s access log may take.
const LOGGED: Duration = Duration::from_secs(5);

const DUTIES: &str = "nginx and HAProxy verify client certificates, limit each client and write an access log; hyper does nothing but mTLS 1.3.";
const GO: &str = "go is the Go gateway of BENCH_GO_TREE, which answers its own paths, with the duties that its start script gives it; it is not held to the same bytes.";

/// One of the servers.
pub(crate) struct Peer {
    /// Its name in reports.
    pub(crate) name: &'static str,
    /// Its name in the last line.
    pub(crate) key: &'static str,
    /// The process.
    pub(crate) server: Server,
    paths: Vec<String>,
}

impl Peer {
    /// Returns the path of a body.
    pub(crate) fn path(&self, body: usize) -> &str {
        self.paths.get(body).map_or("/", String::as_str)
    }
}

/// All of them, ready, with each body in the gateway's cache.
pub(crate) struct Peers {
    all: Vec<Peer>,
    /// What all of them send and do.
    notes: Vec<String>,
    /// Whose certificates all of them accept.
    pub(crate) authority: Authority,
}

impl Peers {
    /// Starts them in a folder; each body has a label, a size in bytes and so many servers in its list.
    ///
    /// # Errors
    /// One does not start, or does not answer as it should.
    pub(crate) async fn start(bench: &Bench, home: &Path, bodies: &[(&str, usize, usize)]) -> Result<Self> {
        let authority = Authority::set_up(home)?;
        let tls = authority.client()?;
        let mut stocks: Vec<Stock> =
            bodies.iter().map(|(label, _, servers)| Stock::new(format!("pool-{label}"), *servers)).collect();
        for stock in &stocks {
            stock.write(home)?;
        }
        let names: Vec<String> = stocks.iter().map(|stock| stock.name.clone()).collect();
        let www = home.join("www");
        std::fs::create_dir_all(&www)?;
        let conf = server::conf(&names)?;
        let mut gateway = server::start(&bench.netweave, home, Arc::clone(&tls), &conf)?;
        say(&format!("netweave runs with:\n{:#}", conf.document))?;
        let mut sizes = Vec::new();
        for ((label, size, _), stock) in bodies.iter().zip(&mut stocks) {
            let bytes = calibrate(&mut gateway, stock, home, *size).await?;
            sizes.push(((*label).to_owned(), bytes.len()));
            std::fs::write(www.join(label), bytes)?;
        }
        let lists: Vec<String> = stocks.iter().map(Stock::list).collect();
        for list in &lists {
            cached(&gateway, list).await?;
        }
        let files: Vec<String> = bodies.iter().map(|(label, ..)| format!("/{label}")).collect();
        let mut nginx = server::nginx(bench.nginx()?, home, Arc::clone(&tls))?;
        let haproxy = haproxy(bench.haproxy()?, (home, &www), Arc::clone(&tls), &files).await?;
        let go = go::start(home, Arc::clone(&tls), bodies.len()).await?;
        let mut hyper = server::floor(bench.floor()?, home, tls)?;
        for file in &files {
            for server in [&mut nginx, &mut hyper] {
                server.answers(file, |bytes| !bytes.is_empty()).await?;
            }
        }
        say(&format!("nginx runs with:\n{}", server::nginx_conf(home, nginx.api.address)))?;
        let peer = |name, key, server| Peer { name, key, server, paths: files.clone() };
        let gateway = Peer { name: "netweave", key: "cpu_us", server: gateway, paths: lists };
        let others = [
            peer("nginx", "nginx", nginx),
            peer("haproxy", "haproxy", haproxy),
            peer("hyper", "hyper", hyper),
        ];
        let mut all: Vec<Peer> = std::iter::once(gateway).chain(others).collect();
        let mut notes = duties(&sizes);
        if let Some(Go { server, paths, bytes, script }) = go {
            say(&format!("go is started by:\n{script}"))?;
            notes.push(format!("{GO} Its answers have {bytes:?} bytes."));
            all.push(Peer { name: "go", key: "go", server, paths });
        }
        Ok(Self { all, notes, authority })
    }

    /// Returns the gateway, nginx, `HAProxy`, hyper, and the Go gateway where there is one.
    pub(crate) fn all(&self) -> &[Peer] {
        &self.all
    }

    /// Says in a report what all of them send and do.
    pub(crate) fn notes(&self, report: &mut Report) {
        for note in &self.notes {
            report.note(note);
        }
    }
}

/// Lets another one begin in each round, and turns the order around after every second one, so that none has always the same one
/// before it.
pub(crate) fn turned<T>(all: impl IntoIterator<Item = T>, round: usize) -> Vec<T> {
    let mut all: Vec<T> = all.into_iter().collect();
    let first = round % all.len().max(1);
    all.rotate_left(first);
    if round / 2 % 2 == 1 {
        all.reverse();
    }
    all
}

/// Says what each server does, and what it sends.
fn duties(sizes: &[(String, usize)]) -> Vec<String> {
    let same = |(label, bytes): &(String, usize)| {
        format!("Each server sends the same {bytes} bytes as the body {label}.")
    };
    sizes.iter().map(same).chain([DUTIES.to_owned()]).collect()
}

/// Starts `HAProxy` with the files of `www`, and shows its configuration. It has to log its requests before it is measured.
async fn haproxy(
    program: &Path,
    (home, www): (&Path, &Path),
    tls: Arc<ClientConfig>,
    files: &[String],
) -> Result<Server> {
    let bodies: Vec<(String, PathBuf)> =
        files.iter().map(|file| (file.clone(), www.join(file.trim_start_matches('/')))).collect();
    let (mut server, conf) = haproxy::start(program, home, tls, &bodies)?;
    for file in files {
        server.answers(file, |bytes| !bytes.is_empty()).await?;
    }
    let end = Instant::now() + LOGGED;
    while !files.iter().all(|file| haproxy::has_logged(home, file)) {
        if Instant::now() > end {
            return Err("HAProxy writes no access log".into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    say(&format!("HAProxy runs with:\n{conf}"))?;
    Ok(server)
}

/// Pads the servers of a file until their list has the size, then returns the list's bytes.
async fn calibrate(gateway: &mut Server, stock: &mut Stock, home: &Path, size: usize) -> Result<Vec<u8>> {
    let path = stock.list();
    let (bytes, _) = gateway.answers(&path, |bytes| bytes.len() > 2).await?;
    // `"padding":"",` and its comma come once per server.
    let frame = r#","padding":"""#.len();
    stock.padding = size.saturating_sub(bytes.len() + stock.servers * frame) / stock.servers;
    stock.write(home)?;
    let near = move |bytes: &[u8]| bytes.len().abs_diff(size) < size / 20;
    Ok(gateway.answers(&path, near).await?.0)
}

/// Brings a list into the cache, which keeps a large one when it is asked for again; another file's change may have left
/// nothing there.
async fn cached(gateway: &Server, path: &str) -> Result<()> {
    for _ in 0..2 {
        fetch(&gateway.api, path).await?;
    }
    let mut connection = Connection::open(&gateway.api).await?;
    let answer = connection.send(&get(path)).await?;
    if connection.from_cache(answer) {
        Ok(())
    } else {
        Err(format!("{path} does not come from the cache").into())
    }
}
