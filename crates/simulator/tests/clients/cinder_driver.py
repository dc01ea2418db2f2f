"""The life of volumes as Cinder's driver leads it, attached by the account's secret."""
from cinder_bench import admin, adopt, configure, driver, number, snapshot, step, volume, volume_type

configure(sf1={})
plain = volume_type("plain")
fast = volume_type("fast", {"qos:minIOPS": "500", "qos:maxIOPS": "1000", "qos:burstIOPS": "1500"})
sf = driver("sf1")
step("start")

one = volume(2, plain, display_name="one")
step("create", volume=adopt(one, sf.create_volume(one)), name="UUID-" + one.id, uuid=one.id)

copy = volume(2, plain, display_name="copy")
step("clone", volume=adopt(copy, sf.create_cloned_volume(copy, one)), name="UUID-" + copy.id)

taken = snapshot(one, display_name="snapshot")
step("snapshot", snapshot=adopt(taken, sf.create_snapshot(taken)))

restored = volume(2, plain, display_name="restored", snapshot_id=taken.id)
step("from-snapshot", volume=adopt(restored, sf.create_volume_from_snapshot(restored, taken)))

sf.revert_to_snapshot(admin, one, taken)
step("revert")

sf.extend_volume(one, 3)
one.size = 3
step("extend")

connector = {"initiator": "iqn.2026-01.test:node", "host": "h"}
connection = sf.initialize_connection(one, connector)
sf.terminate_connection(one, connector, force=False)
step("attach", data=connection["data"], kind=connection["driver_volume_type"])

sf.retype(admin, one, {"id": fast.id}, {}, {"host": "h@sf1", "capabilities": {}})
step("retype")

sf.unmanage(copy)
step("unmanage")

managed = volume(2, plain, display_name="managed")
reference = {"source-id": number(copy), "name": "UUID-" + copy.id}
size = sf.manage_existing_get_size(managed, reference)
step("manage", volume=adopt(managed, sf.manage_existing(managed, reference)), size=size, uuid=managed.id)

# It goes by names, so what was brought under management stays unknown to it.
volumes, snapshots = sf.update_provider_info([one, restored, managed], [taken])
step("provider-info", volumes=[[update["id"], update["provider_id"].split()[0]] for update in volumes],
     expected=[[v.id, str(number(v))] for v in (one, restored)], snapshots=snapshots)

stats = sf.get_volume_stats(refresh=True)
step("statistics", total=stats["total_capacity_gb"], free=stats["free_capacity_gb"])

sf.accept_transfer(admin, restored, "user", "buyer")
step("transfer", volume=number(restored))

sf.delete_snapshot(taken)
step("delete-snapshot")

for gone in (one, restored, managed):
    sf.delete_volume(gone)
step("delete")
