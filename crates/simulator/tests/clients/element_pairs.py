"""Two clusters and their volumes, paired through NetApp's own SDK for Element."""
from element_bench import connect, refusal, step

one, two = connect("127.0.0.1", 0), connect("127.0.0.2", 1)

waiting = one.start_cluster_pairing()
unconfigured = [pair.status for pair in one.list_cluster_pairs().cluster_pairs]
own = refusal(one.complete_cluster_pairing, waiting.cluster_pairing_key)
completed = two.complete_cluster_pairing(waiting.cluster_pairing_key).cluster_pair_id
again = refusal(one.complete_cluster_pairing, two.start_cluster_pairing().cluster_pairing_key)
for pair in two.list_cluster_pairs().cluster_pairs:
    if pair.status == "Unconfigured":
        two.remove_cluster_pair(pair.cluster_pair_id)
seen = [[(pair.mvip, pair.status, str(pair.cluster_pair_uuid)) for pair in side.list_cluster_pairs().cluster_pairs]
        for side in (one, two)]
step("clusters", unconfigured=unconfigured, own=own, again=again, seen=seen)

accounts = [side.add_account("tenant").account.account_id for side in (one, two)]
source = one.create_volume("source", accounts[0], 1 << 30, True).volume_id
target = two.create_volume("target", accounts[1], 1 << 30, True, access=None).volume_id
unpaired = refusal(one.modify_volume_pair, source, paused_manual=True)
two.modify_volume(target, access="replicationTarget")
key = one.start_volume_pairing(source, mode="Sync").volume_pairing_key
twice = refusal(one.start_volume_pairing, source)
wrong = refusal(two.complete_volume_pairing, "7b7d", target)
two.complete_volume_pairing(key, target)
step("volumes", source=source, target=target, unpaired=unpaired, twice=twice, wrong=wrong)


def states():
    return [side.list_active_paired_volumes().volumes[0].volume_pairs[0].remote_replication.state for side in (one, two)]


jobs = one.list_sync_jobs().sync_jobs
step("catching-up", states=states(), jobs=[(job.type, job.dst_volume_id, job.percent_complete) for job in jobs])
one.modify_volume_pair(source, paused_manual=True)
step("paused", states=states())
one.modify_volume_pair(source, paused_manual=False, mode="Async")
step("resumed", states=states(), delay=one.get_volume_stats(source).volume_stats.async_delay)
taken = one.create_group_snapshot([source], name="both", enable_remote_replication=True).group_snapshot
step("snapshot", uuid=str(taken.group_snapshot_uuid))
arrived = [str(group.group_snapshot_uuid) for group in two.list_group_snapshots().group_snapshots]
step("arrived", uuids=arrived)
step("disconnected", states=states())

in_use = refusal(one.remove_cluster_pair, waiting.cluster_pair_id)
two.delete_volume(target)
two.purge_deleted_volume(target)
stopped = one.list_volumes(volume_ids=[source]).volumes[0].volume_pairs[0].remote_replication.state
one.remove_volume_pair(source)
one.remove_cluster_pair(waiting.cluster_pair_id)
left_alone = [pair.status for pair in two.list_cluster_pairs().cluster_pairs]
two.remove_cluster_pair(completed)
one.delete_volume(source)
one.purge_deleted_volume(source)
step("ended", in_use=in_use, stopped=stopped, left_alone=left_alone)
