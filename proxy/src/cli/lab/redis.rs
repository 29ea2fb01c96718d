//! The Redis servers and Sentinels of a lab: the files of `deploy/redis`, filled in, and a way to ask a server.

use super::state::{Kind, Lab, Part, failed, write};
use crate::cli::{Exit, Failure};
use aws_lc_rs::digest::{SHA256, digest};
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// Under which name the Sentinels watch the servers.
pub(super) const SERVICE: &str = "mymaster";
/// The memory of a server.
pub(super) const MAXMEMORY: &str = "512mb";
/// The file of the gateways' password.
pub(super) const PASSWORD: &str = "redis.password";
/// How long a server may take for one step of a conversation.
const PATIENCE: Duration = Duration::from_secs(2);
/// Largest text of an answer that is read.
const MAX_TEXT: usize = 16 << 20;

const STATE: &str = include_str!("../../../../deploy/redis/state.conf");
const SENTINEL: &str = include_str!("../../../../deploy/redis/sentinel.conf");
const USERS: [(&str, &str); 2] = [
    ("users.acl", include_str!("../../../../deploy/redis/users.acl")),
    ("sentinels.acl", include_str!("../../../../deploy/redis/sentinels.acl")),
];
/// What the lab wants otherwise: nothing listens for other machines.
const HERE: &str = "\nbind 127.0.0.1\n";

/// The users of the files; the password of each is made from its name, as all is on this machine.
const NAMES: [&str; 4] = ["netweave", "replica", "sentinel", "admin"];

/// Returns the password of a user.
pub(super) fn password(user: &str) -> String {
    format!("{user}-of-the-lab")
}

/// Writes what all servers share.
pub(super) fn shared(dir: &Path) -> Result<(), Failure> {
    for (name, text) in USERS {
        write(&dir.join(name), &fill(text, dir, &[]))?;
    }
    write(&dir.join(PASSWORD), &password("netweave"))
}

/// Writes the file of a server, which follows a primary if one is named.
pub(super) fn server(dir: &Path, part: &Part, primary: Option<u16>) -> Result<(), Failure> {
    let follow = primary.map_or_else(String::new, |port| format!("replicaof 127.0.0.1 {port}\n"));
    file(dir, part, &[STATE, HERE, &follow], &[("MAXMEMORY", MAXMEMORY)])
}

/// Writes the file of a Sentinel.
pub(super) fn sentinel(dir: &Path, part: &Part, primary: u16) -> Result<(), Failure> {
    let values = [("PRIMARY_HOST", "127.0.0.1"), ("PRIMARY_PORT", &primary.to_string())];
    file(dir, part, &[SENTINEL, HERE], &values)
}

fn file(dir: &Path, part: &Part, texts: &[&str], values: &[(&str, &str)]) -> Result<(), Failure> {
    let home = part.home(dir);
    std::fs::create_dir_all(&home).map_err(|error| failed(&home, &error))?;
    let (number, data) = (part.port.to_string(), home.display().to_string());
    let values = [values, &[("PORT", &number), ("DATA", &data)]].concat();
    write(&home.join("redis.conf"), &fill(&texts.concat(), dir, &values))
}

/// Returns the patterns of the keys that the gateways' user may use.
pub(super) fn patterns() -> Vec<&'static str> {
    let user =
        USERS.iter().flat_map(|(_, text)| text.lines()).find(|line| line.starts_with("user netweave "));
    user.unwrap_or_default().split(' ').filter(|word| word.starts_with('~')).collect()
}

/// Puts values in the places of `${NAMES}`, as `envsubst` does.
fn fill(text: &str, dir: &Path, values: &[(&str, &str)]) -> String {
    let mut text = text.replace("${CONF}", &dir.display().to_string());
    for user in NAMES {
        let name = user.to_uppercase();
        text = text.replace(&format!("${{{name}_SHA256}}"), &sha256(&password(user)));
        text = text.replace(&format!("${{{name}_PASSWORD}}"), &password(user));
    }
    values.iter().fold(text, |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

fn sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Text takes whatever is written to it.
        write!(hex, "{byte:02x}").ok();
        hex
    })
}

/// Sends a command as an administrator; returns all texts of the answer in their order.
///
/// # Errors
/// The server cannot be reached, is paused, or refuses: its error reply is then the text.
pub(super) fn ask(port: u16, words: &[&str]) -> io::Result<Vec<String>> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut sent = command(&["AUTH", "admin", &password("admin")]);
    sent.extend(command(words));
    (&stream).write_all(&sent)?;
    let mut reader = BufReader::new(&stream);
    let mut texts = Vec::new();
    read(&mut reader, &mut texts)?;
    texts.clear();
    read(&mut reader, &mut texts)?;
    Ok(texts)
}

/// Finds the server that a majority of the Sentinels that answer names.
pub(super) fn primary(lab: &Lab) -> Option<&Part> {
    let named = |sentinel: &Part| {
        let answer = ask(sentinel.port, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE]).ok()?;
        answer.get(1)?.parse::<u16>().ok()
    };
    let named: Vec<u16> = lab.all(Kind::Sentinel).filter_map(named).collect();
    let count = |part: &Part| named.iter().filter(|port| **port == part.port).count();
    lab.all(Kind::Redis).find(|part| count(part) * 2 > named.len())
}

/// Says whether a server has that many replicas that follow, none of which lags.
pub(super) fn has_replicas(port: u16, count: usize) -> bool {
    let Ok(info) = ask(port, &["INFO", "replication"]) else { return false };
    let info = info.concat();
    info.matches("state=online").count() == count && info.contains(&format!("min_slaves_good_slaves:{count}"))
}

/// Says whether a Sentinel reaches both replicas and the two others.
pub(super) fn sees_all(port: u16) -> bool {
    let well = |what: &str| {
        let answer = ask(port, &["SENTINEL", what, SERVICE]).unwrap_or_default();
        let flags: Vec<&str> = answer
            .chunks_exact(2)
            .filter_map(|pair| match pair {
                [name, value] if name == "flags" => Some(value.as_str()),
                _ => None,
            })
            .collect();
        flags.len() == 2
            && flags.iter().all(|flags| !flags.contains("down") && !flags.contains("disconnected"))
    };
    well("REPLICAS") && well("SENTINELS")
}

/// Has a server do something, as an administrator.
pub(super) fn order(part: &Part, words: &[&str]) -> Result<Vec<String>, Failure> {
    ask(part.port, words).map_err(|error| {
        Failure::new(Exit::Failed, format!("{}: {}: {error}", part.name, words.first().unwrap_or(&"")))
    })
}

/// Writes a command as the protocol spells it.
fn command(words: &[&str]) -> Vec<u8> {
    let count = format!("*{}\r\n", words.len());
    let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    std::iter::once(count).chain(words).collect::<String>().into_bytes()
}

/// Reads one answer with all that is in it.
fn read(reader: &mut impl BufRead, texts: &mut Vec<String>) -> io::Result<()> {
    let mut line = String::new();
    reader.by_ref().take(1 << 16).read_line(&mut line)?;
    let (mark, rest) = line.trim_end().split_at_checked(1).ok_or(io::ErrorKind::UnexpectedEof)?;
    let count = || rest.parse::<i64>().map_err(io::Error::other);
    match mark {
        "+" | ":" => texts.push(rest.to_owned()),
        "-" => return Err(io::Error::other(rest)),
        "*" => {
            for _ in 0..count()? {
                read(reader, texts)?;
            }
        }
        "$" => match usize::try_from(count()?) {
            Ok(length) if length > MAX_TEXT => return Err(io::Error::other("the answer is too large")),
            Ok(length) => {
                let mut bytes = vec![0; length + 2];
                reader.read_exact(&mut bytes)?;
                bytes.truncate(length);
                texts.push(String::from_utf8_lossy(&bytes).into_owned());
            }
            Err(_) => texts.push(String::new()),
        },
        _ => return Err(io::Error::other("that is no answer of a Redis")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_the_files_is_filled_in() {
        let values = ["PORT", "DATA", "MAXMEMORY", "PRIMARY_HOST", "PRIMARY_PORT"].map(|name| (name, "1"));
        for text in [STATE, SENTINEL, USERS[0].1, USERS[1].1] {
            let filled = fill(text, Path::new("/lab"), &values);
            let settings: Vec<&str> = filled.lines().filter(|line| !line.starts_with('#')).collect();
            assert!(settings.iter().all(|line| !line.contains("${")), "{filled}");
        }
    }

    #[test]
    fn answers_are_read_with_all_that_is_in_them() {
        let mut texts = Vec::new();
        read(&mut "*3\r\n$2\r\nab\r\n:7\r\n*1\r\n$-1\r\n".as_bytes(), &mut texts).unwrap();
        assert_eq!(texts, ["ab", "7", ""]);
        assert!(
            read(&mut "-NOAUTH no\r\n".as_bytes(), &mut texts).unwrap_err().to_string().contains("NOAUTH")
        );
        assert!(read(&mut "".as_bytes(), &mut texts).is_err());
    }
}
