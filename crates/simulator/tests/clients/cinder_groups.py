"""Groups of volumes: created, snapshotted, made from snapshots and from other groups, deleted."""
from cinder import objects
from cinder_bench import admin, adopt, configure, driver, group_types, number, snapshot, step, volume, volume_type

configure(sf1={})
plain = volume_type("plain")
consistent = group_types.create(admin, "consistent", {"consistent_group_snapshot_enabled": "<is> True"})
sf = driver("sf1")
step("start")


def new_group():
    made = objects.Group(admin, name="group", group_type_id=consistent.id, status="available", user_id="user",
                         project_id="tenant", host="h@sf1#sf1", volume_type_ids=[plain.id])
    made.create()
    return made


def member(group, **more):
    return volume(2, plain, group_id=group.id, **more)


def names(volumes):
    return ["UUID-" + v.id for v in volumes]


def adopt_all(volumes, models):
    by_id = {model["id"]: model for model in models}
    return [adopt(v, {k: m for k, m in by_id[v.id].items() if k != "status"}) for v in volumes]


group = new_group()
sf.create_group(admin, group)
members = [member(group), member(group)]
for one in members:
    adopt(one, sf.create_volume(one))
sf.update_group(admin, group, members, [])
step("create", volumes=[number(v) for v in members], names=names(members))

taken = objects.GroupSnapshot(admin, group_id=group.id, group_type_id=consistent.id, user_id="user",
                              project_id="tenant", name="taken", status="creating")
taken.create()
snapshots = [snapshot(v, group_snapshot_id=taken.id) for v in members]
sf.create_group_snapshot(admin, taken, snapshots)
step("group-snapshot", name="UUID-" + taken.id)

second = new_group()
made = [member(second, snapshot_id=s.id) for s in snapshots]
_, models = sf.create_group_from_src(admin, second, made, group_snapshots=taken, snapshots=snapshots)
step("from-group-snapshot", volumes=adopt_all(made, models), names=names(made))

third = new_group()
copies = [member(third, source_volid=v.id) for v in members]
_, models = sf.create_group_from_src(admin, third, copies, source_group=group, source_vols=members)
step("from-group", volumes=adopt_all(copies, models), names=names(copies))

sf.delete_group_snapshot(admin, taken, snapshots)
step("delete-group-snapshot")

for gone, volumes in ((group, members), (second, made), (third, copies)):
    sf.delete_group(admin, gone, volumes)
step("delete")
