//! A network that can be cut without a word to either end: howdah at one end of a pair of virtual cards, the servers at the
//! other. Nothing answers any more, not even a kernel, which a silent proxy could not bring about.

use std::process::Command;

use crate::world::command;

pub(crate) struct Network {
    name: String,
    card: String,
    /// The servers' address, as howdah sees it.
    pub(crate) servers: String,
}

impl Network {
    pub(crate) fn new(lane: u32) -> Result<Self, String> {
        let id = 2 * std::process::id() + lane;
        // A network for each lane of each process that tests: 198.18.0.0/15 is for tests of networks.
        let (third, fourth) = ((id >> 6) & 255, (id & 63) << 2);
        let network = Self {
            name: format!("howdah{id}"),
            card: format!("hd{id}"),
            servers: format!("198.19.{third}.{}", fourth + 1),
        };
        let ours = format!("{}/30", network.servers);
        let theirs = format!("198.19.{third}.{}/30", fourth + 2);
        let (name, card, peer) = (&*network.name, &*network.card, &*format!("hp{id}"));
        command("ip", &["netns", "add", name])?;
        let made = [
            &["link", "add", card, "type", "veth", "peer", peer][..],
            &["link", "set", peer, "netns", name],
            &["addr", "add", &ours, "dev", card],
            &["link", "set", card, "up"],
            &["-n", name, "addr", "add", &theirs, "dev", peer],
            &["-n", name, "link", "set", peer, "up"],
            &["-n", name, "link", "set", "lo", "up"],
        ];
        for arguments in made {
            command("ip", arguments)?;
        }
        Ok(network)
    }

    /// A command that runs howdah at the far end.
    pub(crate) fn howdah(&self) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, env!("CARGO_BIN_EXE_howdah")]);
        command
    }

    pub(crate) fn cut(&self) {
        command("ip", &["link", "set", &self.card, "down"]).unwrap();
    }

    pub(crate) fn mend(&self) {
        command("ip", &["link", "set", &self.card, "up"]).unwrap();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // The pair goes with it.
        if let Err(error) = command("ip", &["netns", "del", &self.name]) {
            println!("{error}");
        }
    }
}
