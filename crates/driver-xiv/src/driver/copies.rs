//! Volumes made from volumes and snapshots: made empty, filled, grown, and marked last.

use perilune_array::{Error, ErrorKind, NewVolume, Result, Size, Source, Volume};

use super::volumes::Shown;
use super::{Xiv, halfway, not_found};
use crate::protocol::Command;

impl Xiv {
    pub(super) async fn copied(&self, new: &NewVolume, source: &Source) -> Result<Volume> {
        let size = self.admit(new)?;
        let source = self.source(source).await?;
        if size < source.size {
            let text = format!("a copy of {} cannot be {size}: its source has {}", source.name, source.size);
            return Err(Error::new(ErrorKind::OutOfRange, text));
        }
        let made = self.make(new, source.size).await?;
        let mut filled = self.fill(&source, made, size).await.map_err(halfway)?;
        if let (None, Some(class)) = (&new.qos, &source.class) {
            // the array leaves a copy without the limits that its source has
            self.put_in_class(&filled.name, class).await.map_err(halfway)?;
            filled.class = Some(class.clone());
        }
        self.finish(new, filled).await
    }

    /// What is to be copied, by its WWN. A snapshot must be one of the volume that it is said to be of, and is limited as
    /// that is.
    async fn source(&self, source: &Source) -> Result<Shown> {
        match source {
            Source::Volume(id) => self.volume(id).await,
            Source::Snapshot(id, of) => {
                let found = self.snapshot(id).await?;
                match self.master_of(&found).await? {
                    Some(master) if master.id() == *of => Ok(Shown { class: master.class, ..found }),
                    _ => Err(not_found(format_args!("snapshot {id} of volume {of}"))),
                }
            }
        }
    }

    /// The copy takes its source's size, so it is grown afterwards.
    async fn fill(&self, source: &Shown, mut made: Shown, size: Size) -> Result<Shown> {
        let copy =
            Command::new("vol_copy").with("vol_src", source.name.clone()).with("vol_trg", made.name.clone());
        self.act(copy).await?;
        made.size = source.size;
        if size > made.size {
            self.grow(&made, size).await?;
            made.size = size;
        }
        Ok(made)
    }
}
