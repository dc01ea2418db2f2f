"""The life of volumes through NetApp's own SDK for Element. After each step it prints one line of JSON and waits for
one, so that the array can be looked at from outside in between."""
import json, logging, sys, warnings

warnings.simplefilter("ignore")
sys.stdout, protocol = sys.stderr, sys.stdout

from solidfire.common import ApiConnectionError, ApiServerError
from solidfire.factory import ElementFactory
from solidfire.models import CreateInitiator, QoS

logging.disable(logging.ERROR)
port = sys.argv[2]


def step(name, /, **facts):
    protocol.write(json.dumps({"step": name, **facts}) + "\n")
    protocol.flush()
    if not sys.stdin.readline():
        sys.exit("the test has gone away")


def connect(password):
    return ElementFactory.create("localhost", "admin", password, verify_ssl=True, port=port, print_ascii_art=False)


def refusal(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except ApiServerError as error:
        return error.error_name
    return None


try:
    connect("wrong")
    refused = None
except ApiConnectionError as error:
    refused = str(error)
element = connect("secret")
info = element.get_cluster_info().cluster_info
limits = element.get_limits()
step("connect", refused=refused, version=element.api_version, uuid=str(info.uuid), svip=info.svip,
     snapshots=limits.snapshots_per_volume_max, drives=len(element.list_drives().drives),
     nodes=len(element.list_active_nodes().nodes), full=element.get_cluster_full_threshold().fullness)

account = element.add_account("tenant").account
again = refusal(element.add_account, "tenant")
step("account", account=account.account_id, again=again, initiator=account.initiator_secret.secret,
     target=account.target_secret.secret)

one = element.create_volume("one", account.account_id, 1_000_000_000, True, attributes={"a": "b"}).volume_id
two = element.create_volume("two", account.account_id, 5_000_000_000, False, qos=QoS(min_iops=100)).volume_id
step("create", one=one, two=two)

started = element.clone_volume(one, "clone", new_size=2_000_000_000)
running = element.get_async_result(started.async_handle)["status"]
step("clone-started", volume=started.volume_id, running=running)
done = element.get_async_result(started.async_handle, keep_result=True)
listed = [result.async_result_id for result in element.list_async_results().async_handles]
element.get_async_result(started.async_handle)
forgotten = refusal(element.get_async_result, started.async_handle)
step("clone", volume=started.volume_id, status=done["status"], made=done["result"]["volumeID"],
     listed=listed == [started.async_handle], forgotten=forgotten)

snapshot = element.create_snapshot(one, name="before", retention="01:00:00").snapshot_id
step("snapshot", snapshot=snapshot, names=[s.name for s in element.list_snapshots(volume_id=one).snapshots])

restored = element.clone_volume(one, "restored", snapshot_id=snapshot).volume_id
step("from-snapshot", volume=restored)

element.modify_volume(one, total_size=3_000_000_000)
shrunk = refusal(element.modify_volume, one, total_size=1_000_000_000)
element.modify_volume(one, qos=QoS(max_iops=2000, burst_iops=3000))
step("modify", shrunk=shrunk)

element.rollback_to_snapshot(one, snapshot, save_current_state=True, name="saved")
step("revert", names=sorted(s.name for s in element.list_snapshots(volume_id=one).snapshots))

group = element.create_group_snapshot([one, two], name="both")
step("group-snapshot", group=group.group_snapshot_id, members=[[m.volume_id, m.snapshot_id] for m in group.members])
element.rollback_to_group_snapshot(group.group_snapshot_id, save_current_state=False)
element.delete_group_snapshot(group.group_snapshot_id, save_members=False)
step("group-snapshot-deleted", left=len(element.list_group_snapshots().group_snapshots))

access = element.create_volume_access_group("hosts", initiators=["iqn.2026-01.Test:Node"], volumes=[one])
access_id = access.volume_access_group_id
element.add_volumes_to_volume_access_group(access_id, [two])
twice = refusal(element.add_volumes_to_volume_access_group, access_id, [two])
second = refusal(element.create_volume_access_group, "more", initiators=["iqn.2026-01.test:node"])
made = element.create_initiators([CreateInitiator(name="iqn.2026-01.test:other", alias="o",
                                                  volume_access_group_id=access_id)]).initiators
step("access-group", group=access_id, twice=twice, second=second, initiator=made[0].initiator_name,
     stats=element.get_volume_stats(one).volume_stats.volume_access_groups)
element.remove_volumes_from_volume_access_group(access_id, [two])
absent = refusal(element.remove_volumes_from_volume_access_group, access_id, [two])
element.delete_volume_access_group(access_id, delete_orphan_initiators=True)
step("access-group-deleted", absent=absent, left=len(element.list_initiators().initiators))

capacity = element.get_cluster_capacity().cluster_capacity
step("capacity", provisioned=capacity.provisioned_space, sessions=len(element.list_iscsisessions().sessions))

element.delete_volume(one)
element.restore_deleted_volume(one)
volumes = [one, two, started.volume_id, restored]
deleted = element.delete_volumes(volume_ids=volumes).volumes
step("delete", statuses=[volume.status for volume in deleted],
     owned=refusal(element.remove_account, account.account_id))
element.purge_deleted_volumes(volume_ids=volumes)
element.remove_account(account.account_id)
step("purge", unknown=refusal(element.invoke_sfapi, "GetNoSuchThing", {}))
