"""Replicated volumes between two clusters: created, failed over, brought back, released; and one migrated."""
from cinder import objects
from cinder_bench import admin, adopt, configure, driver, number, ports, snapshot, step, volume, volume_type

remote = f"backend_id:sf2,mvip:127.0.0.2,login:admin,password:secret,port:{ports[1]}"
configure(sf1={"replication_device": remote}, sf2={"san_ip": "127.0.0.2", "sf_api_port": ports[1]})
plain = volume_type("plain")
mirrored = volume_type("mirrored", {"replication_enabled": "<is> True"})
snapshots_only = volume_type("snapshots", {"replication_enabled": "<is> True",
                                           "solidfire:replication_mode": "SnapshotsOnly"})
sf = driver("sf1")
step("start")
again = driver("sf1")
step("start-again")


def known(updates):
    return {update["volume_id"]: update["updates"] for update in updates}


one = volume(2, mirrored)
step("create", volume=adopt(one, sf.create_volume(one)), name="UUID-" + one.id)
two = volume(2, snapshots_only)
step("create-snapshots-only", volume=adopt(two, sf.create_volume(two)), name="UUID-" + two.id)
copy = volume(2, mirrored)
step("clone", volume=adopt(copy, sf.create_cloned_volume(copy, one)), name="UUID-" + copy.id)
taken = snapshot(two)
step("snapshot", snapshot=adopt(taken, sf.create_snapshot(taken)))
sf.extend_volume(one, 3)
one.size = 3
step("extend")

everything = [one, two, copy]
for each in everything:
    each.status = "available"
    each.save()
backend, updates, _ = sf.failover_host(admin, everything, "sf2", [])
updates = known(updates)
step("failover", backend=backend, statuses=[updates[v.id].get("replication_status") for v in everything],
     locations=[updates[v.id]["provider_location"] for v in everything])
for each in everything:
    adopt(each, updates[each.id])
data = sf.initialize_connection(one, {"initiator": "iqn.2026-01.test:node", "host": "h"})["data"]
step("attach-failed-over", iqn=data["target_iqn"], password=data["auth_password"])
backend, updates, _ = sf.failover_host(admin, everything, "default", [])
updates = known(updates)
step("failback", backend=backend, statuses=[updates[v.id].get("replication_status") for v in everything])
for each in everything:
    adopt(each, updates[each.id])

sf.retype(admin, copy, {"id": plain.id}, {}, {"host": "h@sf1", "capabilities": {}})
copy.volume_type_id = plain.id
copy.save()
step("release")

moving = volume(1, plain)
adopt(moving, sf.create_volume(moving))
moving.status = "available"
moving.save()
step("before-migration", volume=number(moving))
moved, updates = sf.migrate_volume(admin, moving, {"host": "h@sf2#sf2", "capabilities": {}})
step("migrate", moved=moved, volume=adopt(moving, updates), name="UUID-" + moving.id)

sf.delete_snapshot(taken)
for gone in everything:
    sf.delete_volume(gone)
driver("sf2").delete_volume(moving)
step("delete")
