//! Who may see a volume: derived from its state, its account and its access groups, and handed to the disks below.

use super::super::codes::Refusal;
use super::Cluster;
use super::volumes::{Access, Status, Volume};
use crate::kernel::fabric::{Export, Guests, Login, Reach};

impl Cluster {
    /// Makes the volume visible to exactly those who may see it now.
    pub(super) fn publish(&mut self, id: u64) -> Result<(), Refusal> {
        if let Some(volume) = self.volumes.get(&id) {
            let (image, export) = (volume.image, self.export(volume));
            self.fabric.export(image, export)?;
        }
        self.post(id);
        Ok(())
    }

    fn export(&self, volume: &Volume) -> Option<Export> {
        let closed = matches!(volume.access, Access::Locked | Access::ReplicationTarget);
        if volume.status != Status::Active || closed {
            return None;
        }
        let account = self.accounts.get(&volume.account)?;
        let login = (account.enable_chap && !account.locked).then(|| Login {
            username: account.username.clone(),
            secret: account.initiator_secret.clone(),
            target_secret: account.target_secret.clone(),
        });
        let groups = volume.access_groups.iter().filter_map(|id| self.access_groups.get(id));
        let members = groups.flat_map(|group| &group.initiators).filter_map(|id| self.initiators.get(id));
        let initiators: Guests =
            members.map(|initiator| (initiator.name.clone(), initiator.login())).collect();
        if login.is_none() && initiators.is_empty() {
            return None;
        }
        Some(Export {
            iqn: self.identity.iqn(volume),
            identity: self.disk_identity(volume.id),
            reach: Reach::Alone { login, initiators },
            read_only: volume.access == Access::ReadOnly,
        })
    }
}
