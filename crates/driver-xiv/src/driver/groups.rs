//! Consistency groups, known by their names. A group is tied to one pool.

use perilune_array::{Error, ErrorKind, Group, GroupId, Groups, Name, NewGroup, Result, VolumeId};

use super::volumes::Shown;
use super::{Xiv, not_found};
use crate::protocol::{Command, Row};

fn told(name: &str, volumes: &[Shown]) -> Group {
    let members =
        volumes.iter().filter(|shown| shown.group.as_deref() == Some(name) && shown.master.is_none());
    let mut members: Vec<VolumeId> = members.map(Shown::id).collect();
    members.sort();
    Group { id: GroupId::new(name), name: Name::new(name), members }
}

impl Xiv {
    async fn group_rows(&self, list: Command) -> Result<Vec<String>> {
        let rows = self.call(list).await?;
        Ok(rows.iter().filter_map(|row: &Row| row.text("name")).map(str::to_owned).collect())
    }

    /// Refuses where no group has this name.
    pub(super) async fn group_there(&self, id: &GroupId) -> Result<()> {
        let found = self.group_rows(Command::new("cg_list").with("cg", id.as_str())).await?;
        if found.iter().any(|name| name == id.as_str()) {
            return Ok(());
        }
        Err(not_found(format_args!("group {id}")))
    }

    pub(super) async fn members(&self, group: &str) -> Result<Vec<Shown>> {
        let all = self.listed(Command::new("vol_list").with("cg", group)).await?;
        Ok(all.into_iter().filter(|shown| shown.group.as_deref() == Some(group)).collect())
    }
}

#[async_trait::async_trait]
impl Groups for Xiv {
    async fn find(&self, name: &Name) -> Result<Option<Group>> {
        match Groups::get(self, &GroupId::new(name.as_str())).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }

    async fn get(&self, id: &GroupId) -> Result<Group> {
        self.group_there(id).await?;
        Ok(told(id.as_str(), &self.members(id.as_str()).await?))
    }

    async fn list(&self) -> Result<Vec<Group>> {
        let names = self.group_rows(Command::new("cg_list")).await?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let volumes = self.listed(Command::new("vol_list")).await?;
        Ok(names.iter().map(|name| told(name, &volumes)).collect())
    }

    async fn create(&self, new: &NewGroup) -> Result<Group> {
        self.admit_name(&new.name)?;
        let create = Command::new("cg_create").with("cg", new.name.as_str()).with("pool", new.pool.as_str());
        self.act(create).await?;
        Ok(told(new.name.as_str(), &[]))
    }

    async fn add(&self, group: &GroupId, volume: &VolumeId) -> Result<()> {
        let shown = self.volume(volume).await?;
        if shown.group.as_deref() == Some(group.as_str()) {
            return Ok(());
        }
        let add = Command::new("cg_add_vol").with("cg", group.as_str()).with("vol", shown.name);
        match self.act(add).await {
            // of a volume that is mirrored alone, its state forbids it
            Err(error) if crate::fault::is(&error, "VOLUME_HAS_MIRROR") => {
                let text = format!("volume {volume} is mirrored otherwise than group {group}");
                Err(Error::new(ErrorKind::WrongState, text).with_source(error))
            }
            answer => answer,
        }
    }

    async fn remove(&self, group: &GroupId, volume: &VolumeId) -> Result<()> {
        let shown = self.by_wwn(volume.as_str()).await?;
        match shown.filter(|shown| shown.group.as_deref() == Some(group.as_str())) {
            Some(member) => self.act(Command::new("cg_remove_vol").with("vol", member.name)).await,
            None => self.group_there(group).await,
        }
    }

    async fn delete(&self, id: &GroupId) -> Result<()> {
        self.act(Command::new("cg_delete").with("cg", id.as_str())).await
    }
}
