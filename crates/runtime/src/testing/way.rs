//! A way to a database, on which nothing comes through as long as a test wants.

use reqwest::Url;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    Nobody,
    Older,
    All,
}

/// What stands between a process and its database: it accepts whoever comes, and carries what both say until it is silent.
pub struct Way {
    /// The database's, by this way.
    pub url: String,
    silence: watch::Sender<Silence>,
    _carrying: JoinSet<()>,
}

impl Way {
    /// To the database at this address.
    pub async fn to(database_url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut url: Url = database_url.parse().unwrap();
        let database = (
            url.host_str().unwrap().to_owned(),
            url.port().unwrap_or(5432),
        );
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port()))
            .unwrap();
        let silence = watch::Sender::new(Silence::Nobody);
        let mut carrying = JoinSet::new();
        carrying.spawn(carry(listener, database, silence.subscribe()));
        Self {
            url: url.into(),
            silence,
            _carrying: carrying,
        }
    }

    /// As when the host loses its power and another takes its address over: connections that are there carry nothing more and do not end,
    /// new ones carry. What was there at the server has gone.
    pub fn silence_those_there(&self) {
        self.silence.send_replace(Silence::Older);
    }

    /// As when the host loses its power: new connections carry nothing, too.
    pub fn silence_all(&self) {
        self.silence.send_replace(Silence::All);
    }

    /// Carries again; whoever was silenced is cut.
    pub fn carry_again(&self) {
        self.silence.send_replace(Silence::Nobody);
    }
}

async fn carry(listener: TcpListener, database: (String, u16), silence: watch::Receiver<Silence>) {
    let mut carried = JoinSet::new();
    loop {
        let (inner, _) = listener.accept().await.unwrap();
        carried.spawn(carry_one(inner, database.clone(), silence.clone()));
    }
}

async fn carry_one(
    mut inner: TcpStream,
    database: (String, u16),
    mut silence: watch::Receiver<Silence>,
) {
    let found = *silence.borrow_and_update();
    if found != Silence::All {
        let Ok(mut outer) = TcpStream::connect(database).await else {
            return;
        };
        tokio::select! {
            _ = copy_bidirectional(&mut inner, &mut outer) => return,
            _ = silence.changed() => {}
        }
    }
    let _ = silence
        .wait_for(|silence| *silence == Silence::Nobody)
        .await;
}
