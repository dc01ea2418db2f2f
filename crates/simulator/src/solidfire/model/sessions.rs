//! iSCSI sessions, as the disks below see them. Volumes in memory have none.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::methods::Answer;
use super::super::params::Params;
use super::Cluster;
use super::nodes::node_of;
use super::volumes::{Status, Volume};
use crate::kernel::clock;
use crate::kernel::fabric::Session;

impl Cluster {
    pub(crate) fn list_iscsi_sessions(&mut self, _params: &mut Params) -> Answer {
        let active = self.volumes.values().filter(|volume| volume.status == Status::Active);
        let by_iqn: HashMap<String, &Volume> =
            active.map(|volume| (self.identity.iqn(volume), volume)).collect();
        let sessions = self.fabric.sessions();
        let shown = sessions.iter().enumerate().filter_map(|(index, session)| {
            by_iqn.get(&session.iqn).map(|volume| self.show_session(index as u64 + 1, session, volume))
        });
        Ok(json!({"sessions": shown.collect::<Vec<Value>>()}))
    }

    fn show_session(&self, id: u64, session: &Session, volume: &Volume) -> Value {
        let account = self.accounts.get(&volume.account).map(|account| account.username.as_str());
        json!({
            "sessionID": id,
            "accountID": volume.account,
            "accountName": account,
            "authentication": {
                "authMethod": "CHAP", "chapAlgorithm": "MD5", "chapUsername": account, "direction": "one-way",
            },
            "createTime": clock::micros(self.clock.now()),
            "driveID": 1,
            "driveIDs": [1],
            "initiator": null,
            "initiatorIP": session.address,
            "initiatorName": session.initiator,
            "initiatorPortName": format!("{},i,0x{id:012x}", session.initiator),
            "initiatorSessionID": id,
            "nodeID": node_of(volume.id),
            "serviceID": node_of(volume.id),
            "targetIP": self.identity.portals.first().map(ToString::to_string),
            "targetName": session.iqn,
            "targetPortName": format!("{},t,0x1", session.iqn),
            "virtualNetworkID": 0,
            "volumeID": volume.id,
            "volumeInstance": volume.id,
            "msSinceLastIscsiPDU": 0,
            "msSinceLastScsiCommand": 0,
        })
    }
}
