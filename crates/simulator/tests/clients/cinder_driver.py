"""The life of volumes as OpenStack Cinder's own SolidFire driver leads it. After each step it prints one line of JSON and
waits for one, so that the array can be looked at from outside in between."""
import json, os, sys, warnings

warnings.simplefilter("ignore")
sys.stdout, protocol = sys.stderr, sys.stdout

work, port = sys.argv[1], sys.argv[2]
with open(f"{work}/cinder.conf", "w") as file:
    file.write(f"""
[DEFAULT]
state_path = {work}
enabled_backends = sf1
[database]
connection = sqlite:///{work}/cinder.db
[oslo_concurrency]
lock_path = {work}
[sf1]
volume_driver = cinder.volume.drivers.solidfire.SolidFireDriver
volume_backend_name = sf1
san_ip = 127.0.0.1
san_login = admin
san_password = secret
sf_api_port = {port}
driver_ssl_cert_verify = True
""")

from oslo_config import cfg
from cinder import context, objects
from cinder.common import config as _  # registers the options of the whole of Cinder

objects.register_all()
cfg.CONF(["--config-file", f"{work}/cinder.conf"], project="cinder")

from cinder import coordination
from cinder.db import migration
from cinder.volume import configuration, volume_types
from cinder.volume.drivers import solidfire


def step(name, /, **facts):
    protocol.write(json.dumps({"step": name, **facts}) + "\n")
    protocol.flush()
    if not sys.stdin.readline():
        sys.exit("the test has gone away")


migration.db_sync()
coordination.COORDINATOR.start()
admin = context.RequestContext("user", "tenant", is_admin=True)
plain = volume_types.create(admin, "plain", {})
fast = volume_types.create(admin, "fast", {"qos:minIOPS": "500", "qos:maxIOPS": "1000", "qos:burstIOPS": "1500"})


def volume(size, **more):
    new = objects.Volume(admin, size=size, project_id="tenant", user_id="user", host="h@sf1#sf1", status="creating",
                         volume_type_id=plain.id, multiattach=False, **more)
    new.create()
    return new


def adopt(thing, facts):
    thing.update(facts or {})
    thing.save()
    return int(thing.provider_id.split()[0])


driver = solidfire.SolidFireDriver(
    configuration=configuration.Configuration(solidfire.sf_opts, config_group="sf1"))
driver.do_setup(None)
driver.check_for_setup_error()
step("start")

one = volume(2, display_name="one")
step("create", volume=adopt(one, driver.create_volume(one)), name="UUID-" + one.id, uuid=one.id)

copy = volume(2, display_name="copy")
step("clone", volume=adopt(copy, driver.create_cloned_volume(copy, one)), name="UUID-" + copy.id)

snapshot = objects.Snapshot(admin, volume_id=one.id, volume_size=2, project_id="tenant", user_id="user",
                            status="creating", volume_type_id=plain.id, display_name="snapshot")
snapshot.create()
step("snapshot", snapshot=adopt(snapshot, driver.create_snapshot(snapshot)))

restored = volume(2, display_name="restored", snapshot_id=snapshot.id)
step("from-snapshot", volume=adopt(restored, driver.create_volume_from_snapshot(restored, snapshot)))

driver.revert_to_snapshot(admin, one, snapshot)
step("revert")

driver.extend_volume(one, 3)
one.size = 3
step("extend")

connection = driver.initialize_connection(one, {"initiator": "iqn.2026-01.test:node", "host": "h"})
driver.terminate_connection(one, {"initiator": "iqn.2026-01.test:node", "host": "h"}, force=False)
step("attach", data=connection["data"], kind=connection["driver_volume_type"])

driver.retype(admin, one, {"id": fast.id}, {}, {"host": "h@sf1", "capabilities": {}})
step("retype")

driver.unmanage(copy)
step("unmanage")

managed = volume(2, display_name="managed")
reference = {"source-id": int(copy.provider_id.split()[0]), "name": "UUID-" + copy.id}
size = driver.manage_existing_get_size(managed, reference)
step("manage", volume=adopt(managed, driver.manage_existing(managed, reference)), size=size, uuid=managed.id)

stats = driver.get_volume_stats(refresh=True)
step("statistics", total=stats["total_capacity_gb"], free=stats["free_capacity_gb"])

driver.delete_snapshot(snapshot)
step("delete-snapshot")

for gone in (one, restored, managed):
    driver.delete_volume(gone)
step("delete")
