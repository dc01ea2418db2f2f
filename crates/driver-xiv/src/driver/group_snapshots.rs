//! Snapshots of a consistency group, taken at one moment. The array names members after group and volume and cuts the name,
//! so a snapshot group's own name must be short: it is made from the one asked for, which stands in the mark.

use std::time::SystemTime;

use perilune_array::{
    Error, ErrorKind, GroupSnapshot, GroupSnapshotId, GroupSnapshots, Members, Name, NewGroupSnapshot, Owner,
    Result, Snapshot,
};

use super::mark::{self, KEY};
use super::snapshots::{self, mirrored};
use super::volumes::Shown;
use super::{Xiv, halfway, invalid, not_found};
use crate::protocol::Command;

const KIND: &str = "snapshot_group";

fn short(name: &Name, owner: &Owner) -> String {
    mark::tagged(&format!("pl-{}", mark::shortened(name.as_str())), owner)
}

/// A snapshot group as far as it shows itself.
struct Taken {
    name: String,
    at: Option<SystemTime>,
}

/// Mark and given name of a snapshot group.
#[derive(Default)]
struct Label {
    owner: Option<Owner>,
    name: Option<String>,
}

impl Xiv {
    async fn taken(&self, list: Command) -> Result<Vec<Taken>> {
        let rows = self.call(list).await?;
        let taken = rows.iter().filter_map(|row| {
            let name = row.text("name")?.to_owned();
            Some(Taken { name, at: snapshots::time(row.text("snapshot_time")) })
        });
        Ok(taken.collect())
    }

    async fn labels(&self, one: Option<&str>) -> Result<Vec<(String, Label)>> {
        let list = Command::new("metadata_list").with("object_type", KIND).with("key", KEY);
        let list = list.with_all(one.map(|name| ("name", name.to_owned())));
        let rows = match self.call(list).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            rows => rows?,
        };
        let label = rows.iter().filter_map(|row| {
            let value = row.get("value")?;
            let label = Label { owner: mark::read(value), name: mark::name_in(value) };
            Some((row.text("name")?.to_owned(), label))
        });
        Ok(label.collect())
    }

    /// The group snapshots, with their members, of what the array listed.
    async fn with_members(&self, taken: Vec<Taken>, one: Option<&str>) -> Result<Vec<GroupSnapshot>> {
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        let mut labels = self.labels(one).await?;
        let all = self.listed(Command::new("vol_list")).await?;
        let told = taken.into_iter().map(|taken| {
            let at = labels.iter().position(|(name, _)| *name == taken.name);
            let label = at.map(|at| labels.swap_remove(at).1).unwrap_or_default();
            told(taken, label, &all)
        });
        told.collect()
    }

    async fn group_snapshot(&self, id: &GroupSnapshotId) -> Result<GroupSnapshot> {
        let taken = self.taken(Command::new("snap_group_list").with("snap_group", id.as_str())).await?;
        let taken = taken.into_iter().filter(|taken| taken.name == id.as_str()).collect();
        let found = self.with_members(taken, Some(id.as_str())).await?.pop();
        found.ok_or_else(|| not_found(format_args!("group snapshot {id}")))
    }

    async fn label(&self, wire: &str, name: &Name, owner: &Owner) -> Result<()> {
        let set = Command::new("metadata_set").with("object_type", KIND).with("name", wire).with("key", KEY);
        self.act(set.with("value", mark::written_with(owner, name.as_str()))).await
    }
}

fn told(taken: Taken, label: Label, all: &[Shown]) -> Result<GroupSnapshot> {
    let mut members: Vec<Snapshot> = Vec::new();
    for shown in all.iter().filter(|shown| shown.snapshot_group.as_deref() == Some(taken.name.as_str())) {
        let master = all.iter().find(|volume| Some(&volume.name) == shown.master.as_ref());
        if let Some(master) = master {
            members.push(snapshots::told(shown, master.id(), label.owner.clone())?);
        }
    }
    members.sort_by(|a, b| a.volume.cmp(&b.volume));
    let first = members.first().map(|member| member.created);
    Ok(GroupSnapshot {
        id: GroupSnapshotId::new(taken.name.clone()),
        name: Name::new(label.name.unwrap_or(taken.name)),
        created: taken.at.or(first).unwrap_or(SystemTime::UNIX_EPOCH),
        snapshots: members,
        owner: label.owner,
    })
}

#[async_trait::async_trait]
impl GroupSnapshots for Xiv {
    async fn find(&self, name: &Name) -> Result<Vec<GroupSnapshot>> {
        let all = GroupSnapshots::list(self).await?;
        Ok(all.into_iter().filter(|taken| taken.name == *name).collect())
    }

    /// One whose mark was not written yet gets it now: the tag proves whose it is.
    async fn attempts(&self, name: &Name, owner: &Owner) -> Result<Vec<GroupSnapshot>> {
        let id = GroupSnapshotId::new(short(name, owner));
        let found = match self.group_snapshot(&id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            found => found?,
        };
        if found.owner.is_some() {
            return Ok(vec![found]);
        }
        self.label(id.as_str(), name, owner).await?;
        Ok(vec![self.group_snapshot(&id).await?])
    }

    async fn get(&self, id: &GroupSnapshotId) -> Result<GroupSnapshot> {
        self.group_snapshot(id).await
    }

    async fn list(&self) -> Result<Vec<GroupSnapshot>> {
        let taken = self.taken(Command::new("snap_group_list")).await?;
        self.with_members(taken, None).await
    }

    async fn create(&self, new: &NewGroupSnapshot) -> Result<GroupSnapshot> {
        self.admit_name(&new.name)?;
        if new.retention.is_some() {
            return Err(invalid("snapshots of this family stay until somebody deletes them"));
        }
        let Members::Group(group) = &new.members else {
            let text = "this family takes snapshots of several volumes only of a consistency group";
            return Err(Error::new(ErrorKind::Unsupported, text));
        };
        let wire = short(&new.name, &new.owner);
        let create = Command::new("cg_snapshots_create").with("cg", group.as_str());
        self.act(create.with("snap_group", wire.clone())).await?;
        self.label(&wire, &new.name, &new.owner).await.map_err(halfway)?;
        let all = self.listed(Command::new("vol_list")).await.map_err(halfway)?;
        let label = Label { owner: Some(new.owner.clone()), name: Some(new.name.to_string()) };
        told(Taken { name: wire, at: None }, label, &all).map_err(halfway)
    }

    async fn delete(&self, id: &GroupSnapshotId, owner: &Owner) -> Result<()> {
        let there = self.taken(Command::new("snap_group_list").with("snap_group", id.as_str())).await?;
        if there.is_empty() {
            return Err(not_found(format_args!("group snapshot {id}")));
        }
        self.prove(KIND, id.as_str(), owner).await?;
        self.act(Command::new("snap_group_delete").with("snap_group", id.as_str())).await
    }

    async fn revert(&self, id: &GroupSnapshotId) -> Result<()> {
        let found = self.group_snapshot(id).await?;
        for member in &found.snapshots {
            let volume = self.volume(&member.volume).await?;
            if volume.size != member.size || volume.locked {
                let text = format!("volume {} is locked or was resized since", volume.name);
                return Err(Error::new(ErrorKind::WrongState, text));
            }
            self.unused(&volume).await?;
        }
        self.act(Command::new("snap_group_restore").with("snap_group", id.as_str())).await.map_err(mirrored)
    }
}
