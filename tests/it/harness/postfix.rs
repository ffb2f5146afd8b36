//! A real Postfix, with its own configuration, spool and certificates, that a test starts and stops.

use super::{Mail, has, skip, wait_until};
use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

/// A Postfix of our own on a high port of the loopback, which puts all mail for everybody into one Maildir.
pub struct Postfix {
    home: tempfile::TempDir,
    pub port: u16,
}

impl Postfix {
    /// It takes mail from this machine. `None`, with a loud word, where it cannot run.
    pub fn start(story: &str) -> Option<Postfix> {
        Postfix::start_with(story, None, None)
    }

    /// It takes mail from this machine, and gives what comes for some addresses to a program, one mail at a time, as `nobody`.
    pub fn start_with_pipe(story: &str, addresses: &[String], command: &str) -> Option<Postfix> {
        Postfix::start_with(story, None, Some((addresses, command)))
    }

    /// It takes mail from this user with this password only.
    pub fn start_with_login(story: &str, user: &str, password: &str) -> Option<Postfix> {
        let plugins = Path::new("/usr/lib").join(format!(
            "{}-linux-gnu/sasl2/libsasldb.so",
            std::env::consts::ARCH
        ));
        if !has("/usr/sbin/saslpasswd2")
            || !(plugins.exists() || Path::new("/usr/lib/sasl2/libsasldb.so").exists())
        {
            skip(
                story,
                "there is no `saslpasswd2`, or no library for its passwords",
            );
            return None;
        }
        Postfix::start_with(story, Some((user, password)), None)
    }

    fn start_with(
        story: &str,
        login: Option<(&str, &str)>,
        pipe: Option<(&[String], &str)>,
    ) -> Option<Postfix> {
        let number = |what: &[&str]| -> Option<u32> {
            let run = Command::new("id")
                .args(what)
                .output()
                .ok()
                .filter(|run| run.status.success())?;
            String::from_utf8_lossy(&run.stdout).trim().parse().ok()
        };
        let daemons = ["/usr/lib/postfix/sbin", "/usr/libexec/postfix"]
            .into_iter()
            .find(|folder| Path::new(folder).join("master").exists());
        let (Some(daemons), Some(user), Some(group), true) = (
            daemons,
            number(&["-u", "postfix"]),
            number(&["-g", "postfix"]),
            has("openssl"),
        ) else {
            skip(story, "there is no Postfix or no `openssl`");
            return None;
        };
        if number(&["-u"]) != Some(0) {
            skip(story, "only root can start a Postfix");
            return None;
        }
        let home = tempfile::Builder::new()
            .prefix("postfix")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir_in("/tmp")
            .expect("a folder");
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let server = Postfix { home, port };
        let at = |name: &str| server.home.path().join(name).display().to_string();
        for folder in ["etc", "queue", "data", "mail"] {
            fs::create_dir(at(folder)).expect("a folder");
            fs::set_permissions(at(folder), fs::Permissions::from_mode(0o755)).expect("readable");
        }
        for folder in ["data", "mail"] {
            std::os::unix::fs::chown(at(folder), Some(user), None).expect("root may");
        }
        server.make_certificates();
        let mut main = format!(
            "compatibility_level = 3.6\nqueue_directory = {queue}\ndata_directory = {data}\ncommand_directory = /usr/sbin\ndaemon_directory = {daemons}\n\
             mail_owner = postfix\nsetgid_group = postdrop\nmyhostname = mail.example.test\nmydestination =\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n\
             mynetworks = {networks}\nsmtpd_client_event_limit_exceptions = 127.0.0.0/8\nsmtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject\nsmtpd_tls_cert_file = {leaf}\nsmtpd_tls_key_file = {key}\n\
             smtpd_tls_security_level = encrypt\nsmtpd_tls_session_cache_database =\nsmtp_tls_session_cache_database =\nvirtual_mailbox_domains = static:all\n\
             virtual_mailbox_maps = static:inbox/\nvirtual_mailbox_base = {mail}\nvirtual_uid_maps = static:{user}\nvirtual_gid_maps = static:{group}\n\
             virtual_transport = virtual\nalias_maps =\nalias_database =\nlocal_recipient_maps =\nmaillog_file = {log}\nmaillog_file_prefixes = /tmp\n",
            networks = if login.is_none() { "127.0.0.0/8" } else { "" },
            queue = at("queue"),
            data = at("data"),
            leaf = at("leaf.pem"),
            key = at("leaf.key"),
            mail = at("mail"),
            log = at("log"),
        );
        if let Some((name, password)) = login {
            main.push_str(&format!(
                "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_path = smtpd\ncyrus_sasl_config_path = {}\nsmtpd_sasl_local_domain = mail.example.test\nsmtpd_tls_auth_only = yes\n",
                at("etc/sasl")
            ));
            server.knows(name, password, user);
        }
        if let Some((addresses, _)) = pipe {
            let map: String = addresses
                .iter()
                .map(|address| format!("{address} advise:\n"))
                .collect();
            fs::write(at("etc/transport"), map).expect("written");
            main.push_str(&format!(
                "transport_maps = texthash:{}\nadvise_destination_recipient_limit = 1\n",
                at("etc/transport")
            ));
        }
        fs::write(at("etc/main.cf"), main).expect("written");
        let mut services = format!(
            "127.0.0.1:{port} inet n - n - - smtpd\npostlog unix-dgram n - n - 1 postlogd\ntlsmgr unix - - n 1000? 1 tlsmgr\n"
        );
        services.push_str("cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\nrewrite unix - - n - - trivial-rewrite\nvirtual unix - n n - - virtual\n");
        for (name, program) in [
            ("bounce", "bounce"),
            ("defer", "bounce"),
            ("trace", "bounce"),
            ("verify", "verify"),
            ("proxymap", "proxymap"),
            ("error", "error"),
            ("retry", "error"),
            ("anvil", "anvil"),
        ] {
            services.push_str(&format!("{name} unix - - n - 0 {program}\n"));
        }
        if let Some((_, command)) = pipe {
            services.push_str(&format!(
                "advise unix - n n - 1 pipe\n  flags=DRO user=nobody argv={command}\n"
            ));
        }
        fs::write(at("etc/master.cf"), services).expect("written");
        let run = server.postfix("start");
        assert!(
            run.status.success(),
            "{}\n{}",
            String::from_utf8_lossy(&run.stderr),
            server.log()
        );
        wait_until("Postfix listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(server)
    }

    /// A database of passwords that `owner` may read.
    fn knows(&self, name: &str, password: &str, owner: u32) {
        let (folder, file) = (
            self.home.path().join("etc/sasl"),
            self.home.path().join("sasldb2"),
        );
        // (there Debian's Postfix looks for it, whatever it is told)
        fs::create_dir(&folder).expect("a folder");
        let settings = format!(
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: {}\n",
            file.display()
        );
        fs::write(folder.join("smtpd.conf"), settings).expect("written");
        let words = ["-p", "-c", "-u", "mail.example.test", "-f"];
        let mut child = Command::new("saslpasswd2")
            .args(words)
            .arg(&file)
            .arg(name)
            .stdin(Stdio::piped())
            .spawn()
            .expect("saslpasswd2 runs");
        child
            .stdin
            .take()
            .expect("piped")
            .write_all(password.as_bytes())
            .expect("written");
        assert!(child.wait().expect("it ends").success());
        std::os::unix::fs::chown(&file, Some(owner), None).expect("root may");
    }

    /// The certificate of its authority, in PEM.
    pub fn authority(&self) -> String {
        fs::read_to_string(self.home.path().join("ca.pem")).expect("a certificate")
    }

    /// An authority, and a certificate of it for `localhost`.
    fn make_certificates(&self) {
        let script = "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3650 -subj '/CN=Test CA' -addext basicConstraints=critical,CA:TRUE &&
            openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=localhost &&
            printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\n' > extensions &&
            openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile extensions -out leaf.pem";
        let run = Command::new("sh")
            .args(["-c", script])
            .current_dir(self.home.path())
            .output()
            .expect("openssl runs");
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
    }

    fn postfix(&self, verb: &str) -> Output {
        Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(self.home.path().join("etc"))
            .arg(verb)
            .output()
            .expect("postfix runs")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// All mail that was delivered.
    pub fn delivered(&self) -> Vec<Mail> {
        let Ok(entries) = fs::read_dir(self.home.path().join("mail/inbox/new")) else {
            return Vec::new();
        };
        entries
            .map(|entry| Mail::read(entry.expect("an entry").path()))
            .collect()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // `stop` waits for the master's end; its children may take a moment longer to leave the folder.
        drop(self.postfix("stop"));
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}
