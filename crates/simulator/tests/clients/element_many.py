"""Several volumes at once, what they share, and initiators, through NetApp's own SDK for Element."""
from element_bench import connect, refusal, step
from solidfire.models import (CloneMultipleVolumeParams, CreateInitiator, LunAssignment, ModifyInitiator, QoS)

element = connect("127.0.0.1", 0)
account = element.add_account("tenant").account.account_id
a, b = (element.create_volume(name, account, 1 << 30, True).volume_id for name in ("a", "b"))
step("create", a=a, b=b)

gold = element.create_qos_policy("gold", QoS(min_iops=500, max_iops=1000, burst_iops=2000)).qos_policy.qos_policy_id
element.modify_volumes([a, b], qos_policy_id=gold, attributes={"kind": "gold"})
step("policy", policy=gold)
element.modify_qos_policy(gold, qos=QoS(max_iops=1500))
listed = element.list_qos_policies().qos_policies
step("policy-changed", volumes=listed[0].volume_ids)
element.delete_qos_policy(gold)
step("policy-deleted", unknown=refusal(element.get_qos_policy, gold), least=element.get_default_qos().min_iops)

group = element.create_group_snapshot([a, b], name="both").group_snapshot_id
step("group-snapshot", group=group)
started = element.clone_multiple_volumes(
    [CloneMultipleVolumeParams(volume_id=a, name="ca"), CloneMultipleVolumeParams(volume_id=b, name="cb")],
    group_snapshot_id=group)
jobs = element.list_sync_jobs().sync_jobs
step("clones-started", members=[[m.src_volume_id, m.volume_id] for m in started.members], jobs=len(jobs))
clones = [member.volume_id for member in started.members]
step("clones", status=element.get_async_result(started.async_handle)["status"])
copied = element.copy_volume(a, clones[1])
step("copy-started")
step("copied", status=element.get_async_result(copied.async_handle)["status"])

access = element.create_volume_access_group("hosts", volumes=[a, b]).volume_access_group_id
element.modify_volume_access_group_lun_assignments(access, [LunAssignment(volume_id=a, lun=9)])
luns = element.get_volume_access_group_lun_assignments(access).volume_access_group_lun_assignments.lun_assignments
made = element.create_initiators([CreateInitiator(name="iqn.2026-01.test:a", volume_access_group_id=access),
                                  CreateInitiator(name="iqn.2026-01.test:b")]).initiators
element.modify_initiators([ModifyInitiator(initiator_id=made[1].initiator_id, alias="b", volume_access_group_id=access)])
step("access", group=access, luns=[[lun.volume_id, lun.lun] for lun in luns])
element.delete_initiators([initiator.initiator_id for initiator in made])
element.delete_volume_access_group(access)
ports = element.list_fibre_channel_port_info().fibre_channel_port_info
step("access-ended", initiators=len(element.list_initiators().initiators),
     ports=[port.wwpn for node in ports.values() for port in node.result.fibre_channel_ports])

stats = element.list_volume_stats([a]).volume_stats
step("statistics", volumes=[s.volume_id for s in stats], count=len(element.list_volume_stats_by_volume().volume_stats),
     cluster=element.get_cluster_stats().cluster_stats.read_ops)
element.delete_group_snapshot(group, save_members=False)
element.delete_volumes(account_ids=[account])
element.purge_deleted_volumes(account_ids=[account])
step("delete")
