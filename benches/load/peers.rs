//! The gateway, nginx under the same duties and the bare hyper server, side by side with the same bytes.

use crate::Bench;
use netweave_benches::Result;
use netweave_benches::connection::{Connection, fetch, get};
use netweave_benches::pki;
use netweave_benches::report::{Report, say};
use netweave_benches::server::{self, Server};
use netweave_benches::stock::Stock;
use std::path::Path;
use std::sync::Arc;

/// One of the three servers.
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

/// All three, ready, with each body in the gateway's cache.
pub(crate) struct Peers {
    all: [Peer; 3],
    bytes: Vec<(String, usize)>,
}

impl Peers {
    /// Starts them in a folder; each body has a label, a size in bytes and so many servers in its list.
    ///
    /// # Errors
    /// One does not start, or does not answer as it should.
    pub(crate) async fn start(bench: &Bench, home: &Path, bodies: &[(&str, usize, usize)]) -> Result<Self> {
        let tls = pki::set_up(home)?;
        let mut stocks: Vec<Stock> =
            bodies.iter().map(|(label, _, servers)| Stock::new(format!("pool-{label}"), *servers)).collect();
        for stock in &stocks {
            stock.write(home)?;
        }
        let names: Vec<String> = stocks.iter().map(|stock| stock.name.clone()).collect();
        let www = home.join("www");
        std::fs::create_dir_all(&www)?;
        let mut gateway = server::netweave(&bench.netweave, home, Arc::clone(&tls), &names)?;
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
        let mut hyper = server::floor(bench.floor()?, home, tls)?;
        for file in &files {
            nginx.answers(file, |bytes| !bytes.is_empty()).await?;
            hyper.answers(file, |bytes| !bytes.is_empty()).await?;
        }
        say(&format!("nginx runs with:\n{}", server::nginx_conf(home, nginx.api.address)))?;
        let all = [
            Peer { name: "netweave", key: "cpu_us", server: gateway, paths: lists },
            Peer { name: "nginx", key: "nginx", server: nginx, paths: files.clone() },
            Peer { name: "hyper", key: "hyper", server: hyper, paths: files },
        ];
        Ok(Self { all, bytes: sizes })
    }

    /// Returns the gateway, nginx and hyper.
    pub(crate) fn all(&self) -> &[Peer; 3] {
        &self.all
    }

    /// Says in a report what all of them send.
    pub(crate) fn notes(&self, report: &mut Report) {
        for (label, bytes) in &self.bytes {
            report.note(format!("Each server sends the same {bytes} bytes as the body {label}."));
        }
        report.note("nginx verifies client certificates, limits each client and writes an access log; hyper does nothing but mTLS 1.3.");
    }
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

/// Brings a list into the cache; another file's change may have left nothing there.
async fn cached(gateway: &Server, path: &str) -> Result<()> {
    fetch(&gateway.api, path).await?;
    let mut connection = Connection::open(&gateway.api).await?;
    let answer = connection.send(&get(path)).await?;
    if connection.from_cache(answer) {
        Ok(())
    } else {
        Err(format!("{path} does not come from the cache").into())
    }
}
