//! Mirroring a consistency group. The array couples empty groups only, and takes in a mirrored volume only once its first
//! copy is made. So members leave with a note of where they belong, are mirrored by themselves, and come back: call by
//! call, each going on from what the array shows.

use perilune_array::{Error, ErrorKind, GroupId, NewMirror, Result};

use super::{Xiv, halfway};
use crate::protocol::Command;

/// The key of that note on a volume.
const NOTE: &str = "perilune-joins";

impl Xiv {
    pub(super) async fn pair_group(&self, group: &GroupId, new: &NewMirror, target: &str) -> Result<()> {
        let name = group.as_str();
        let ends = self.ends(Command::new("mirror_list").with("cg", name)).await?;
        if ends.is_empty() {
            self.take_members_out(name, new, target).await?;
            self.couple(name, new, target).await.map_err(halfway)?;
        } else if self.noted(name).await?.is_empty() {
            return Err(Error::new(ErrorKind::Exists, format!("group {group} is mirrored already")));
        }
        let activate = Command::new("mirror_activate").with("cg", name).with("target", target);
        self.act_unless(activate, "SYNC_ALREADY_ACTIVE").await.map_err(halfway)?;
        self.bring_members_back(name).await.map_err(halfway)
    }

    async fn take_members_out(&self, group: &str, new: &NewMirror, target: &str) -> Result<()> {
        for member in self.members(group).await? {
            let note =
                Command::new("metadata_set").with("object_type", "volume").with("name", member.name.clone());
            self.act(note.with("key", NOTE).with("value", group)).await?;
            self.act(Command::new("cg_remove_vol").with("vol", member.name)).await.map_err(halfway)?;
        }
        for name in self.noted(group).await.map_err(halfway)? {
            let mirrored =
                self.ends(Command::new("mirror_list").with("vol", name.clone())).await.map_err(halfway)?;
            if !mirrored.is_empty() {
                continue;
            }
            let found = self.listed(Command::new("vol_list").with("vol", name)).await.map_err(halfway)?;
            for volume in found {
                self.pair_volume(&volume.id(), new, target).await.map_err(halfway)?;
            }
        }
        Ok(())
    }

    /// Volumes that are to come back into the group.
    async fn noted(&self, group: &str) -> Result<Vec<String>> {
        let list = Command::new("metadata_list")
            .with("object_type", "volume")
            .with("key", NOTE)
            .with("value", group);
        let rows = self.call(list).await?;
        Ok(rows.iter().filter_map(|row| row.text("name")).map(str::to_owned).collect())
    }

    async fn couple(&self, group: &str, new: &NewMirror, target: &str) -> Result<()> {
        let there = Command::new("cg_create").with("cg", group).with("pool", new.peer_pool.as_str());
        self.act_unless(there.at(Some(target)), "CONS_GROUP_NAME_EXISTS").await?;
        let create = Command::new("mirror_create").with("cg", group).with("slave_cg", group);
        let create = create.with("target", target).with("create_slave", "no");
        self.act(create.with_all(self.mode(new.mode, target).await?)).await
    }

    async fn bring_members_back(&self, group: &str) -> Result<()> {
        for name in self.noted(group).await? {
            let add = Command::new("cg_add_vol").with("cg", group).with("vol", name.clone());
            match self.act_unless(add, "VOLUME_BELONGS_TO_CG").await {
                Err(error) if crate::fault::is(&error, "MIRROR_IS_NOT_SYNCHRONIZED") => {
                    let text = format!("the first copy of {name} is still being made; call again to go on");
                    return Err(Error::new(ErrorKind::Busy, text).with_source(error));
                }
                answer => answer?,
            }
            let forget = Command::new("metadata_delete").with("object_type", "volume").with("name", name);
            self.act(forget.with("key", NOTE)).await?;
        }
        Ok(())
    }
}
