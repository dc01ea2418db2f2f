"""The life of volumes, groups and replicas as OpenStack Cinder's own driver for this family leads it. After each step it
prints one line of JSON and waits for one, so that the arrays can be looked at from outside in between."""
import base64, json, os, sys, warnings

warnings.simplefilter("ignore")
sys.stdout, protocol = sys.stderr, sys.stdout
sys.path.insert(0, os.path.dirname(__file__))
import shims

work, of = sys.argv[1], json.loads(sys.argv[2])
one, two = sorted(of)
shims.ports(of)

import cinder.db.models, cinder.objects, cinder.volume.configuration, cinder.volume.driver
import cinder.volume.drivers.san.san as san
from cinder import context
from oslo_config import cfg

cinder.objects.register_all()
from cinder.volume.drivers.ibm.ibm_storage import cryptish, ibm_storage
from cinder.volume import group_types, qos_specs, volume_types

cfg.CONF([], project="cinder")
# it decrypts to bytes, which the client library cannot send
decrypt, encrypt = cryptish.decrypt, cryptish.encrypt
text = lambda value: value.decode() if isinstance(value, bytes) else value
cryptish.decrypt = lambda value: text(decrypt(value))
cryptish.encrypt = lambda value: text(encrypt(value))


def step(name, /, **facts):
    protocol.write(json.dumps({"step": name, **facts}) + "\n")
    protocol.flush()
    if not sys.stdin.readline():
        sys.exit("the test has gone away")


class Thing(dict):
    __getattr__ = dict.__getitem__


types = {
    "plain": {}, "slow": {}, "cg": {},
    "sync": {"replication_enabled": "<is> True", "replication_type": "<is> sync"},
}
volume_types.get_volume_type_extra_specs = lambda id, key=False: types[id]
volume_types.get_volume_type = lambda admin, id, *_: Thing(id=id, name=id, qos_specs_id=id if id == "slow" else None)
qos_specs.get_qos_specs = lambda admin, id: Thing(specs={"bw": "100", "iops": "1000", "type": "independent"})
group_specs = {"consistent_group_snapshot_enabled": "<is> True"}
group_types.get_group_type_specs = lambda id, key=False: group_specs.get(key) if key else group_specs

encoded = base64.b64encode(b"secret").decode()
configuration = cinder.volume.configuration.Configuration(cinder.volume.driver.volume_opts, config_group="xiv")
configuration.append_config_values(san.san_opts)
configuration.append_config_values(ibm_storage.driver_opts)
device = {"backend_id": "xiv2", "san_ip": two, "san_login": "admin", "san_password": encoded, "san_clustername": "pool1"}
for option, value in {
    "proxy": "cinder.volume.drivers.ibm.ibm_storage.xiv_proxy.XIVProxy", "san_ip": one, "san_login": "admin",
    "san_password": encoded, "san_clustername": "pool1", "connection_type": "iscsi", "chap": "enabled",
    "volume_backend_name": "xiv", "replication_device": [device],
}.items():
    cfg.CONF.set_override(option, value, group="xiv")

admin = context.get_admin_context()
driver = ibm_storage.IBMStorageDriver(configuration=configuration, host=f"h@IBM-XIV_{one}_pool1", active_backend_id=None)
driver.do_setup(admin)
step("start")


def volume(id, size=1, kind="plain", group=None):
    return Thing(id=id, name="volume-" + id, size=size, volume_type_id=kind, group=group, group_id=group and group.id,
                 host=f"h@IBM-XIV_{one}_pool1", display_name=id, attach_status="detached", replication_status=None)


first = volume("1")
driver.create_volume(first)
step("create")
copy = volume("2", size=2)
driver.create_cloned_volume(copy, first)
step("clone")
snapshot = Thing(id="3", name="snapshot-3", volume_name=first.name, volume_size=1, volume=first)
driver.create_snapshot(snapshot)
step("snapshot")
restored = volume("4")
driver.create_volume_from_snapshot(restored, snapshot)
step("from-snapshot")
driver.extend_volume(first, 3)
step("extend")

connector = {"initiator": "iqn.2026-01.test:node", "host": "node", "ip": "127.0.0.9", "multipath": False}
data = driver.initialize_connection(first, connector)
step("attach", data=data["data"], kind=data["driver_volume_type"])
driver.terminate_connection(first, connector)
step("detach")

slow = volume("5", kind="slow")
driver.create_volume(slow)
step("limited")
location = {"location_info": f"IBM-XIV:{one}:pool2"}
driver.migrate_volume(admin, slow, {"host": f"h@IBM-XIV_{one}_pool2", "capabilities": location})
step("migrate")

driver.delete_snapshot(snapshot)
driver.unmanage(restored)
managed = volume("6")
driver.manage_existing(managed, {"source-name": restored.name})
step("manage")

group = Thing(id="7", name="group", group_type_id="cg", is_replicated=False, replication_status="disabled",
              host=first.host, status="available")
driver.create_group(admin, group)
members = [first, copy]
driver.update_group(admin, group, members, [])
step("group")
taken = Thing(id="8", group_id="7", group_type_id="cg", group=group)
driver.create_group_snapshot(admin, taken, [])
step("group-snapshot")
driver.delete_group_snapshot(admin, taken, [])
driver.update_group(admin, group, [], members)
driver.delete_group(admin, group, [])
step("ungroup")

mirrored = volume("9", kind="sync")
status = driver.create_volume(mirrored)
step("mirror", status=status)
step("wait")
result = driver.failover_host(admin, [mirrored], "xiv2", [])
step("failover", active=result[0], updates=[update["updates"] for update in result[1]])
result = driver.failover_host(admin, [mirrored], "default", [])
step("failback", active=result[0], updates=[update["updates"] for update in result[1]])

for gone in (mirrored, first, copy, managed, slow):
    driver.delete_volume(gone)
step("delete")
