//! Pairing with other clusters.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::codes::{self, Refusal};
use super::super::keys;
use super::super::links::{Board, ClusterPair, Seat};
use super::super::methods::Answer;
use super::super::params::Params;
use super::{Cluster, next};

impl Cluster {
    /// A new key and a new pair that waits, with each call.
    pub(crate) fn start_cluster_pairing(&mut self, _params: &mut Params) -> Answer {
        self.check_cluster_pairs()?;
        let id = next(&mut self.counters.cluster_pair);
        let password = Uuid::new_v4().simple().to_string();
        let uuid = self.links.board().start_cluster_pair(self.seat, id, password.clone());
        let key = keys::encode(&json!({
            "clusterPairID": id,
            "clusterPairUUID": uuid.to_string(),
            "clusterUniqueID": self.identity.unique_id,
            "mvip": self.identity.mvip.to_string(),
            "name": self.identity.name,
            "username": format!("__SF_pair_{uuid}"),
            "password": password,
            "rpcConnectionID": id,
        }));
        Ok(json!({"clusterPairID": id, "clusterPairingKey": key}))
    }

    pub(crate) fn complete_cluster_pairing(&mut self, params: &mut Params) -> Answer {
        let key = params.needed_text("clusterPairingKey")?;
        let invalid = || Refusal::new("xInvalidPairingKey", "The cluster pairing key is not valid.");
        let content = keys::decode(&key).ok_or_else(invalid)?;
        let member = |name: &str| content[name].as_str().unwrap_or_default();
        let uuid = Uuid::parse_str(member("clusterPairUUID")).map_err(|_| invalid())?;
        let links = self.links.clone();
        let board = links.board();
        let origin = board.origin_of_key(uuid, member("password")).ok_or_else(invalid)?;
        if origin == self.seat {
            return Err(invalid());
        }
        if board.cluster_pair_between(self.seat, origin).is_some() {
            return Err(Refusal::new("xPairingAlreadyExists", "The clusters are already paired."));
        }
        if !board.connected(self.seat, origin) {
            return Err(Refusal::new("xRecvTimeout", "The other cluster does not answer."));
        }
        drop(board);
        self.check_cluster_pairs()?;
        let id = next(&mut self.counters.cluster_pair);
        links.board().complete_cluster_pair(uuid, self.seat, id, self.clock.now());
        Ok(json!({"clusterPairID": id}))
    }

    fn check_cluster_pairs(&self) -> Result<(), Refusal> {
        let pairs = self.links.board().cluster_pairs(self.seat).count();
        if self.limits.reached("clusterPairsCountMax", pairs) {
            return Err(codes::exceeded("Exceeded maximum number of cluster pairs"));
        }
        Ok(())
    }

    pub(crate) fn list_cluster_pairs(&mut self, _params: &mut Params) -> Answer {
        let board = self.links.board();
        let mut pairs: Vec<&ClusterPair> = board.cluster_pairs(self.seat).collect();
        pairs.sort_by_key(|pair| pair.ends(self.seat).map(|(mine, _)| mine.id));
        let shown: Vec<Value> = pairs.iter().map(|pair| self.show_cluster_pair(&board, pair)).collect();
        Ok(json!({"clusterPairs": shown}))
    }

    fn show_cluster_pair(&self, board: &Board, pair: &ClusterPair) -> Value {
        let card = pair.peer(self.seat).map(|peer| board.card(peer));
        json!({
            "clusterPairID": pair.ends(self.seat).map(|(mine, _)| mine.id),
            "clusterPairUUID": pair.uuid.to_string(),
            "clusterName": card.map_or("", |card| card.name.as_str()),
            "clusterUUID": card.map_or("", |card| card.unique_id.as_str()),
            "mvip": card.map_or(String::new(), |card| card.mvip.to_string()),
            "version": card.map_or("", |card| card.version.as_str()),
            "latency": u8::from(card.is_some()),
            "status": board.cluster_pair_status(pair, self.seat, self.clock.now()).name(),
        })
    }

    /// The other side stays until it is removed there too.
    pub(crate) fn remove_cluster_pair(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("clusterPairID")?;
        let mut board = self.links.board();
        let found =
            board.cluster_pairs(self.seat).find(|p| p.ends(self.seat).is_some_and(|(e, _)| e.id == id));
        let found = found.map(|pair| (pair.uuid, pair.peer(self.seat)));
        let (uuid, peer) = found.ok_or_else(|| codes::no_cluster_pair(id))?;
        if peer.is_some_and(|peer| self.shares_volumes(&board, peer)) {
            return Err(codes::invalid(format!("ClusterPairID {id} still has paired volumes.")));
        }
        board.leave_cluster_pair(uuid, self.seat);
        Ok(json!({}))
    }

    fn shares_volumes(&self, board: &Board, peer: Seat) -> bool {
        board.paired_volumes(self.seat).iter().any(|volume| {
            let pair = board.volume_pair(self.seat, *volume);
            pair.and_then(|pair| pair.ends(self.seat).1).is_some_and(|end| end.seat == peer)
        })
    }
}
