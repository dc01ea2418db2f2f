"""Quality of service from types and their QoS specifications, and volumes attached by access groups."""
from cinder_bench import admin, adopt, configure, driver, number, step, volume, volume_type

configure(sf1={"sf_enable_vag": True})
gold = volume_type("gold", qos={"minIOPS": "1000", "maxIOPS": "2000", "burstIOPS": "4000"})
silver = volume_type("silver", {"qos:minIOPS": "1"}, qos={"minIOPS": "200", "maxIOPS": "400", "burstIOPS": "800"})
scaled = volume_type("scaled", qos={"scaledIOPS": "True", "minIOPS": "100", "maxIOPS": "200", "burstIOPS": "300",
                                    "scaleMin": "10", "scaleMax": "20", "scaleBurst": "30"})
sf = driver("sf1")
step("start")

one = volume(2, gold)
step("create", volume=adopt(one, sf.create_volume(one)))
grows = volume(5, scaled)
step("create-scaled", volume=adopt(grows, sf.create_volume(grows)))
sf.extend_volume(grows, 11)
grows.size = 11
step("extend-scaled")
sf.retype(admin, one, {"id": silver.id}, {}, {"host": "h@sf1", "capabilities": {}})
step("retype")
copy = volume(2, gold)
step("clone", volume=adopt(copy, sf.create_cloned_volume(copy, one)))

node = {"initiator": "iqn.2026-01.test:node", "host": "node"}
other = {"initiator": "iqn.2026-01.test:other", "host": "other"}
data = sf.initialize_connection(one, node)["data"]
step("attach", iqn=data["target_iqn"], lun=data["target_lun"])
sf.initialize_connection(grows, node)
step("attach-second")
sf.initialize_connection(copy, other)
step("attach-other-host")
sf.initialize_connection(grows, node)
step("attach-again")
sf.terminate_connection(one, node, force=False)
step("detach")
sf.terminate_connection(grows, node, force=False)
step("detach-last")
sf.terminate_connection(copy, other, force=False)
step("detach-other-host")

for gone in (one, grows, copy):
    sf.delete_volume(gone)
step("delete")
