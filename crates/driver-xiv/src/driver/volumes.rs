//! Volumes, told in the port's words: each is looked up by its WWN before anything is done to what bears its name.

use std::collections::HashMap;

use perilune_array::{
    Error, ErrorKind, Name, NewVolume, Owner, Page, PageToken, PoolId, Rename, Result, Size, Source, Tie,
    Volume, VolumeId, VolumeState, Volumes, Wwid,
};

use super::{BLOCK, Xiv, halfway, invalid, mark, not_found};
use crate::fault;
use crate::protocol::{Command, Row};

/// A volume or snapshot as the array shows it.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) wwn: String,
    pub(super) name: String,
    pub(super) pool: String,
    pub(super) size: Size,
    /// Of a snapshot: what it was taken of.
    pub(super) master: Option<String>,
    pub(super) snapshot_group: Option<String>,
    pub(super) group: Option<String>,
    pub(super) class: Option<String>,
    pub(super) taken: Option<String>,
    pub(super) locked: bool,
}

impl Shown {
    pub(super) fn read(row: &Row) -> Result<Self> {
        let wrong = |what: &str| fault::garbled("vol_list", format_args!("a volume's {what} makes no sense"));
        let text = |name: &str| row.text(name).map(str::to_owned);
        let wwn = row.text("wwn").filter(|wwn| is_wwn(wwn)).ok_or_else(|| wrong("wwn"))?;
        let blocks = row.text("capacity").and_then(|text| text.parse::<u64>().ok());
        let bytes = blocks.and_then(|blocks| blocks.checked_mul(BLOCK)).ok_or_else(|| wrong("capacity"))?;
        Ok(Self {
            wwn: wwn.to_ascii_lowercase(),
            name: text("name").ok_or_else(|| wrong("name"))?,
            pool: text("pool_name").ok_or_else(|| wrong("pool_name"))?,
            size: Size::bytes(bytes),
            master: text("master_name"),
            snapshot_group: text("sg_name"),
            group: text("cg_name"),
            class: text("perf_class"),
            taken: text("snapshot_time"),
            locked: row.is_yes("locked"),
        })
    }

    pub(super) fn id(&self) -> VolumeId {
        VolumeId::new(self.wwn.clone())
    }
}

fn is_wwn(text: &str) -> bool {
    matches!(text.len(), 16 | 32) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Sixteen digits are an EUI-64, thirty-two an NAA identifier.
fn wwid(wwn: &str) -> Wwid {
    Wwid::new(&format!("{}.{wwn}", if wwn.len() == 16 { "eui" } else { "naa" }))
}

impl Xiv {
    pub(super) async fn listed(&self, list: Command) -> Result<Vec<Shown>> {
        self.call(list).await?.iter().map(Shown::read).collect()
    }

    /// What bears this WWN now, volume or snapshot. A text that is no WWN of this family is nobody's.
    pub(super) async fn by_wwn(&self, wwn: &str) -> Result<Option<Shown>> {
        let length = if self.facts.is_flash() { 32 } else { 16 };
        if wwn.len() != length || !is_wwn(wwn) {
            return Ok(None);
        }
        let found = self.listed(Command::new("vol_list").with("wwn", wwn)).await?;
        Ok(found.into_iter().find(|shown| shown.wwn.eq_ignore_ascii_case(wwn)))
    }

    pub(super) async fn volume(&self, id: &VolumeId) -> Result<Shown> {
        let found = self.by_wwn(id.as_str()).await?.filter(|shown| shown.master.is_none());
        found.ok_or_else(|| not_found(format_args!("volume {id}")))
    }

    async fn named(&self, name: &str) -> Result<Option<Shown>> {
        let found = self.listed(Command::new("vol_list").with("vol", name)).await?;
        Ok(found.into_iter().find(|shown| shown.name == name))
    }

    /// What earlier attempts left under the name that this mark gives, snapshot or volume.
    pub(super) async fn left(&self, name: &Name, owner: &Owner) -> Result<Option<Shown>> {
        self.named(&mark::tagged(name.as_str(), owner)).await
    }

    pub(super) fn remember(&self, wwn: &str, owner: Option<&Owner>) {
        let marks = &mut self.known().marks;
        match owner {
            Some(owner) => drop(marks.insert(wwn.to_owned(), owner.clone())),
            None => drop(marks.remove(wwn)),
        }
    }

    /// The mark for an answer by which nothing is decided: as last seen, or else read.
    pub(super) async fn usual_mark(&self, shown: &Shown) -> Result<Option<Owner>> {
        let seen = self.known().marks.get(&shown.wwn).cloned();
        if seen.is_some() { Ok(seen) } else { self.mark_of("volume", &shown.name).await }
    }

    pub(super) fn told(&self, shown: &Shown, owner: Option<Owner>) -> Volume {
        self.remember(&shown.wwn, owner.as_ref());
        let tagged = mark::untagged(&shown.name).1.is_some();
        // a mirror's target is locked, and takes no writes
        let shut = shown.locked.then(|| Tie::Shut("locked".to_owned()));
        let grouped = shown.group.clone().map(Tie::Grouped);
        Volume {
            id: shown.id(),
            name: mark::shown(&shown.name),
            pool: PoolId::new(shown.pool.clone()),
            size: shown.size,
            wwid: wwid(&shown.wwn),
            wwid_alt: None,
            state: if tagged && owner.is_none() { VolumeState::Torn } else { VolumeState::Ready },
            owner,
            ties: shut.into_iter().chain(grouped).collect(),
        }
    }

    /// What is wrong with a request before the array sees it; gives the size as the array will make it.
    pub(super) fn admit(&self, new: &NewVolume) -> Result<Size> {
        self.admit_name(&new.name)?;
        if let Some(wish) = &new.qos {
            self.admit_qos(wish)?;
        }
        self.fit(new.size)
    }

    pub(super) fn admit_name(&self, name: &Name) -> Result<()> {
        if self.profile.volume_names.accepts(name.as_str()) {
            return Ok(());
        }
        Err(invalid(format!(
            "name {name} may have 1 to {} letters, digits, hyphens, underscores and dots",
            mark::LONGEST_NAME
        )))
    }

    fn fit(&self, size: Size) -> Result<Size> {
        let rules = self.profile.sizes;
        let rounded = size.round_up(rules.step).filter(|rounded| size >= rules.min && *rounded <= rules.max);
        rounded.ok_or_else(|| {
            let text = format!("size {size} is not between {} and {}", rules.min, rules.max);
            Error::new(ErrorKind::OutOfRange, text)
        })
    }

    /// An empty volume, tagged and not yet marked.
    pub(super) async fn make(&self, new: &NewVolume, size: Size) -> Result<Shown> {
        let name = mark::tagged(new.name.as_str(), &new.owner);
        let create = Command::new("vol_create")
            .with("vol", name.clone())
            .with("pool", new.pool.as_str())
            .with("size_blocks", (size.get() / BLOCK).to_string());
        let made = self.call(create).await?;
        // old versions answer without a row
        match made.first() {
            Some(row) => Shown::read(row).map_err(halfway),
            None => self.named(&name).await.map_err(halfway)?.ok_or_else(|| {
                halfway(fault::garbled("vol_create", format_args!("volume {name} is not there afterwards")))
            }),
        }
    }

    /// The last steps of making a volume: what limits it, then the mark, which says that it is whole.
    pub(super) async fn finish(&self, new: &NewVolume, mut made: Shown) -> Result<Volume> {
        if let Some(wish) = &new.qos {
            made.class = self.set_class(&made, wish).await.map_err(halfway)?;
        }
        self.write_mark("volume", &made.name, &new.owner).await.map_err(halfway)?;
        Ok(self.told(&made, Some(new.owner.clone())))
    }

    pub(super) async fn grow(&self, shown: &Shown, size: Size) -> Result<()> {
        let resize = Command::new("vol_resize")
            .with("vol", shown.name.clone())
            .with("size_blocks", (size.get() / BLOCK).to_string())
            .with("shrink_volume", "no");
        self.act(resize).await
    }
}

#[async_trait::async_trait]
impl Volumes for Xiv {
    /// Names bear tags, so this looks through all volumes; `attempts` does not.
    async fn find(&self, name: &Name) -> Result<Vec<Volume>> {
        let all = self.listed(Command::new("vol_list")).await?.into_iter();
        let found = all.filter(|shown| shown.master.is_none() && mark::shown(&shown.name) == *name);
        let mut volumes = Vec::new();
        for shown in found {
            let owner = self.mark_of("volume", &shown.name).await?;
            volumes.push(self.told(&shown, owner));
        }
        Ok(volumes)
    }

    async fn attempts(&self, name: &Name, owner: &Owner) -> Result<Vec<Volume>> {
        let Some(shown) = self.left(name, owner).await?.filter(|shown| shown.master.is_none()) else {
            return Ok(Vec::new());
        };
        let mark = self.mark_of("volume", &shown.name).await?;
        let mut volume = self.told(&shown, mark);
        // the tag proves whose it is, though the mark was not written yet
        volume.owner.get_or_insert_with(|| owner.clone());
        Ok(vec![volume])
    }

    async fn get(&self, id: &VolumeId) -> Result<Volume> {
        let shown = self.volume(id).await?;
        let owner = self.mark_of("volume", &shown.name).await?;
        Ok(self.told(&shown, owner))
    }

    /// All in one page, as the array lists them.
    async fn list(&self, from: Option<&PageToken>) -> Result<Page<Volume>> {
        if from.is_some() {
            return Err(invalid("the page token is not of this array"));
        }
        let all = self.listed(Command::new("vol_list")).await?;
        let mut marks = self.marks("volume").await?;
        let ties = self.all_ties().await?;
        let volumes = all.into_iter().filter(|shown| shown.master.is_none());
        let items = volumes.map(|shown| {
            let mut volume = self.told(&shown, marks.remove(&shown.name));
            volume.ties.extend(ties.get(&shown.name).into_iter().flatten().cloned());
            volume
        });
        Ok(Page { items: items.collect(), next: None })
    }

    async fn create(&self, new: &NewVolume) -> Result<Volume> {
        let size = self.admit(new)?;
        let made = self.make(new, size).await?;
        self.finish(new, made).await
    }

    async fn copy(&self, new: &NewVolume, source: &Source) -> Result<Volume> {
        self.copied(new, source).await
    }

    async fn resize(&self, id: &VolumeId, size: Size) -> Result<Volume> {
        let size = self.fit(size)?;
        let mut shown = self.volume(id).await?;
        if size < shown.size {
            let text = format!("volume {id} has {} already and cannot shrink", shown.size);
            return Err(Error::new(ErrorKind::OutOfRange, text));
        }
        if size > shown.size {
            self.grow(&shown, size).await?;
            shown.size = size;
        }
        let owner = self.usual_mark(&shown).await?;
        Ok(self.told(&shown, owner))
    }

    async fn delete(&self, id: &VolumeId, owner: &Owner) -> Result<()> {
        let shown = self.volume(id).await?;
        self.prove("volume", &shown.name, owner).await?;
        if let Some(group) = &shown.group {
            let text = format!("volume {id} is in consistency group {group}");
            return Err(Error::new(ErrorKind::InUse, text));
        }
        self.act(Command::new("vol_delete").with("vol", shown.name)).await?;
        self.remember(&shown.wwn, None);
        Ok(())
    }

    /// The tag goes with the mark that it stands for; a name that bears none is left as it is.
    async fn mark(&self, id: &VolumeId, owner: Option<&Owner>) -> Result<()> {
        let shown = self.volume(id).await?;
        let (plain, tag) = mark::untagged(&shown.name);
        let stale = tag.is_some() && !owner.is_some_and(|owner| mark::proves(&shown.name, owner));
        match owner {
            Some(owner) => {
                self.write_mark("volume", &shown.name, owner).await?;
                if stale {
                    self.rename_to(&shown.name, &mark::tagged(plain, owner)).await.map_err(halfway)?;
                }
            }
            None => {
                let mut name = shown.name.clone();
                if stale {
                    plain.clone_into(&mut name);
                    self.rename_to(&shown.name, &name).await?;
                }
                self.erase_mark("volume", &name).await.map_err(halfway)?;
            }
        }
        self.remember(&shown.wwn, owner);
        Ok(())
    }
}

impl Xiv {
    async fn rename_to(&self, from: &str, to: &str) -> Result<()> {
        self.act(Command::new("vol_rename").with("vol", from).with("new_name", to)).await
    }

    /// Who reaches each volume, by the volume's name, and which are mirrored: a call for each host.
    async fn all_ties(&self) -> Result<HashMap<String, Vec<Tie>>> {
        let mut ties: HashMap<String, Vec<Tie>> = HashMap::new();
        for host in self.call(Command::new("host_list")).await? {
            let Some(name) = host.text("name") else { continue };
            for row in self.mapped_to(name).await? {
                if let Some(volume) = row.text("volume") {
                    ties.entry(volume.to_owned()).or_default().push(Tie::Mapped(name.to_owned()));
                }
            }
        }
        for row in self.call(Command::new("mirror_list").with("scope", "Volume")).await? {
            if let Some(volume) = row.text("local_peer_name") {
                ties.entry(volume.to_owned()).or_default().push(Tie::Mirrored);
            }
        }
        Ok(ties)
    }
}

#[async_trait::async_trait]
impl Rename for Xiv {
    async fn rename(&self, id: &VolumeId, name: &Name) -> Result<Volume> {
        self.admit_name(name)?;
        let mut shown = self.volume(id).await?;
        let owner = self.mark_of("volume", &shown.name).await?;
        let (plain, tag) = mark::untagged(&shown.name);
        if plain != name.as_str() {
            if self.find(name).await?.iter().any(|other| other.id != *id) {
                return Err(Error::new(ErrorKind::Exists, format!("name {name} is taken")));
            }
            let to = match (tag, &owner) {
                (Some(_), Some(owner)) => mark::tagged(name.as_str(), owner),
                _ => name.to_string(),
            };
            self.rename_to(&shown.name, &to).await?;
            shown.name = to;
        }
        Ok(self.told(&shown, owner))
    }
}
