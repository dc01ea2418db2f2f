//! The array as a whole.

use perilune_array::Capabilities;

use crate::Bed;
use crate::run::checks;

checks! { |_| true;
    it_can_do_what_is_expected_and_no_more,
    a_second_inspection_finds_the_same_array,
    what_is_promised_to_volumes_shows_in_the_pool,
}

async fn it_can_do_what_is_expected_and_no_more(bed: Bed) {
    assert_eq!(Capabilities::of(&*bed.array), bed.capabilities);
}

async fn a_second_inspection_finds_the_same_array(bed: Bed) {
    let (first, second) =
        (bed.array.inspect().await.expect("inspect"), bed.array.inspect().await.expect("again"));
    assert_eq!((&first.id, &first.firmware), (&second.id, &second.firmware));
    assert!(!first.id.as_str().is_empty() && !first.firmware.is_empty() && !first.pools.is_empty());
}

async fn what_is_promised_to_volumes_shows_in_the_pool(bed: Bed) {
    let before = bed.array.inspect().await.expect("inspect").pools.remove(0);
    let made = bed.volume("v").await;
    let after = bed.array.inspect().await.expect("inspect").pools.remove(0);
    // An array may take room in larger units than it sells volumes in.
    assert!(after.provisioned.get() >= before.provisioned.get() + made.size.get());
    assert!(after.free <= after.total && after.provisioned <= after.provisionable);
}
