//! `advise deploy` to a small store with the interface of S3, which follows all links after every request.

use super::{
    served::published,
    targets::{crawl, with_target},
};
use crate::harness::World;
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex},
    thread,
};

#[derive(Clone)]
struct Object {
    bytes: Vec<u8>,
    kind: String,
    cache: String,
}

#[derive(Default)]
struct Shelf {
    objects: BTreeMap<String, Object>,
    puts: usize,
    deletes: usize,
    lists: usize,
    /// Answers nothing but this from the put of this number on.
    full_after: Option<usize>,
    wrong: Vec<String>,
}

/// Objects in a list; few, so that every list has several parts.
const PART: usize = 40;

struct S3 {
    shelf: Arc<Mutex<Shelf>>,
    port: u16,
}

impl S3 {
    fn start() -> S3 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shelf: Arc<Mutex<Shelf>> = Arc::default();
        let shared = Arc::clone(&shelf);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shelf = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shelf));
            }
        });
        S3 { shelf, port }
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().expect("nobody panicked at the shelf")
    }

    /// As public/ has it.
    fn site(&self) -> BTreeMap<String, Vec<u8>> {
        let shelf = self.shelf();
        let below = |key: &String| {
            key.strip_prefix("www/")
                .expect("below the prefix")
                .to_string()
        };
        shelf
            .objects
            .iter()
            .map(|(key, object)| (below(key), object.bytes.clone()))
            .collect()
    }
}

fn serve(mut stream: TcpStream, shelf: &Mutex<Shelf>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split_whitespace();
        let (method, target) = (
            words.next().unwrap_or_default().to_string(),
            words.next().unwrap_or_default().to_string(),
        );
        let mut fields = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a header line");
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            fields.insert(name.to_ascii_lowercase(), value.to_string());
        }
        let length = fields
            .get("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the whole body");
        let (status, answer) = shelf
            .lock()
            .expect("nobody panicked at the shelf")
            .answer(&method, &target, &fields, body);
        let head = format!(
            "HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        if stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(answer.as_bytes()))
            .is_err()
        {
            return;
        }
    }
}

impl Shelf {
    fn answer(
        &mut self,
        method: &str,
        target: &str,
        fields: &BTreeMap<String, String>,
        body: Vec<u8>,
    ) -> (u16, String) {
        let url = url::Url::parse(&format!("http://store{target}")).expect("an address");
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let says = |name: &str| query.get(name).cloned().unwrap_or_default();
        if says("X-Amz-Algorithm") != "AWS4-HMAC-SHA256"
            || says("X-Amz-Signature").len() != 64
            || !says("X-Amz-Credential").starts_with("KEY-OF-THE-TEST/")
        {
            self.wrong
                .push(format!("{method} {} is not signed", url.path()));
            return (403, "<Error><Code>AccessDenied</Code></Error>".into());
        }
        let key = url
            .path()
            .strip_prefix("/bucket")
            .expect("path style")
            .trim_start_matches('/')
            .to_string();
        let done = match method {
            "GET" => return (200, self.list(&says("prefix"), &says("continuation-token"))),
            "PUT" if self.full_after.is_some_and(|most| self.puts >= most) => {
                return (
                    507,
                    "<Error><Code>QuotaExceeded</Code><Message>KEY-OF-THE-TEST</Message></Error>"
                        .into(),
                );
            }
            "PUT" => {
                self.puts += 1;
                let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
                let object = Object {
                    bytes: body,
                    kind: field("content-type"),
                    cache: field("cache-control"),
                };
                self.objects.insert(key, object);
                200
            }
            "DELETE" => {
                self.deletes += 1;
                self.objects.remove(&key);
                204
            }
            _ => 405,
        };
        let read = |path: &str| {
            let object = self.objects.get(&format!("www/{path}"))?;
            Some(String::from_utf8_lossy(&object.bytes).into_owned())
        };
        if let Err(missing) = crawl(read) {
            self.wrong.push(missing);
        }
        (done, String::new())
    }

    fn list(&mut self, prefix: &str, after: &str) -> String {
        self.lists += 1;
        let mut all = self
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with(prefix) && key.as_str() > after);
        let part: Vec<_> = all.by_ref().take(PART).collect();
        let next = match (all.next(), part.last()) {
            (Some(_), Some((last, _))) => {
                format!(
                    "<IsTruncated>true</IsTruncated><NextContinuationToken>{last}</NextContinuationToken>"
                )
            }
            _ => "<IsTruncated>false</IsTruncated>".into(),
        };
        let contents: String = part
            .iter()
            .map(|(key, object)| {
                let md5 = openssl::hash::hash(openssl::hash::MessageDigest::md5(), &object.bytes).expect("MD5");
                let md5: String = md5.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("<Contents><Key>{key}</Key><ETag>&quot;{md5}&quot;</ETag><Size>{}</Size></Contents>", object.bytes.len())
            })
            .collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Name>bucket</Name><EncodingType>url</EncodingType>{next}{contents}</ListBucketResult>"
        )
    }
}

fn with_store(world: World, s3: &S3) -> World {
    let access = "[default]\naws_access_key_id = KEY-OF-THE-TEST\naws_secret_access_key = SECRET-OF-THE-TEST\n";
    let target = format!(
        "    - name: store\n      s3: {{endpoint: \"http://127.0.0.1:{}\", bucket: bucket, prefix: www, credentials: .advise/keys/s3}}\n",
        s3.port
    );
    let world = with_target(world.file(".advise/keys/s3", access), &target);
    world.look(|world| {
        std::fs::set_permissions(
            world.path(".advise/keys/s3"),
            std::fs::Permissions::from_mode(0o600),
        )
        .expect("closed to others");
    })
}

#[test]
fn a_store_gets_what_changed_in_an_order_that_keeps_links_whole() {
    let s3 = S3::start();
    let world = with_store(published(), &s3);
    let world = world.run("deploy --dry-run").says("  add     index.html");
    assert_eq!(s3.shelf().puts, 0);
    let world = world
        .run("deploy")
        .says("store: ")
        .does_not_say("OF-THE-TEST");
    assert!(s3.site() == files(&world), "the store has the site");
    {
        let shelf = s3.shelf();
        let object = |path: &str| {
            let object = &shelf.objects[&format!("www/{path}")];
            (object.kind.clone(), object.cache.clone())
        };
        let short = "public, max-age=60, must-revalidate".to_string();
        assert_eq!(
            object("index.html"),
            ("text/html; charset=utf-8".into(), short.clone())
        );
        assert_eq!(
            object("ru/rss.xml"),
            ("application/rss+xml; charset=utf-8".into(), short.clone())
        );
        assert_eq!(
            object("pgp-key.asc"),
            ("application/pgp-keys".into(), short.clone())
        );
        assert_eq!(
            object(".well-known/security.txt"),
            ("text/plain; charset=utf-8".into(), short)
        );
        assert!(object("assets/site.css").1.contains("immutable"));
    }
    let puts = s3.shelf().puts;
    let world = world
        .run("deploy")
        .says("nothing to do: it has everything already");
    assert_eq!(s3.shelf().puts, puts, "what is there already is not sent");
    assert!(s3.shelf().lists > 4, "the list has several parts");

    let world = world
        .advisory("EX-2026-0101", "tlp: CLEAR\naudience: [public]")
        .run("publish --only site --yes")
        .whatever_it_says();
    let world = world.run("deploy").says("store: ");
    assert!(s3.site() == files(&world));
    let sent = s3.shelf().puts - puts;
    assert!(sent < puts / 2, "{sent} of {puts} were sent again");

    // In the middle of a run the store is full; the next one goes on.
    let world = world
        .advisory("EX-2026-0102", "tlp: CLEAR\naudience: [public]")
        .run("publish --only site --yes")
        .whatever_it_says();
    let now = s3.shelf().puts;
    s3.shelf().full_after = Some(now + 3);
    let world = world
        .run("deploy")
        .exits(3)
        .says("HTTP status 507 (QuotaExceeded)")
        .does_not_say("OF-THE-TEST")
        .whatever_it_says();
    s3.shelf().full_after = None;
    let world = world.run("deploy").says("store: ");
    assert!(s3.site() == files(&world));
    assert_eq!(s3.shelf().wrong, Vec::<String>::new());
}

fn files(world: &World) -> BTreeMap<String, Vec<u8>> {
    world
        .site()
        .into_iter()
        .filter(|(path, _)| !path.ends_with('/'))
        .collect()
}

#[test]
fn what_opens_a_store_is_for_nobody_else() {
    let s3 = S3::start();
    let world = with_store(published(), &s3);
    let open = |world: &World, mode| {
        std::fs::set_permissions(
            world.path(".advise/keys/s3"),
            std::fs::Permissions::from_mode(mode),
        )
        .expect("set");
    };
    open(&world, 0o640);
    let world = world
        .run("deploy")
        .exits(2)
        .says("and others may read it; nothing was sent")
        .does_not_say("OF-THE-TEST")
        .whatever_it_says();
    open(&world, 0o600);
    let world = world.change(".advise/keys/s3", "aws_secret_access_key", "something");
    open(&world, 0o600);
    let world = world
        .run("deploy")
        .exits(2)
        .says("does not say what opens the store")
        .does_not_say("OF-THE-TEST")
        .whatever_it_says();
    let world = world.change("advise.yaml", ", credentials: .advise/keys/s3", "");
    let world = world
        .run("deploy")
        .exits(2)
        .says("nothing is known that opens the store")
        .whatever_it_says();
    let world = world
        .with("AWS_ACCESS_KEY_ID", "OTHER-OF-THE-TEST")
        .with("AWS_SECRET_ACCESS_KEY", "SECRET-OF-THE-TEST");
    let world = world
        .run("deploy")
        .exits(2)
        .says("HTTP status 403 (AccessDenied)")
        .does_not_say("OF-THE-TEST")
        .whatever_it_says();
    assert!(s3.shelf().objects.is_empty());
    drop(world);
}
