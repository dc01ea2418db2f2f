"""Volumes of an A9000 as real disks behind one target: who may log in, who sees what at which LUN, and nothing left."""
import os, socket, ssl
import xml.etree.ElementTree as tree
from guest import hold, identifiers, judged, left_behind, read, record, rescan, run, scanned, serve, write

NODE = "iqn.2026-01.test:node"
SECRET = "secretsecret"


class Array:
    def __init__(self, ready):
        array = ready["arrays"][0]
        context = ssl.create_default_context(cafile=ready["ca"])
        self.iqn = array["iscsi"][0]["iqn"]
        self.wire = context.wrap_socket(socket.create_connection((array["address"], array["port"])),
                                        server_hostname=array["address"])

    def call(self, what, /, **arguments):
        command = tree.Element("command", id="1", type=what, close_on_return="no")
        for key, value in [("user", "admin"), ("password", "secret")]:
            tree.SubElement(command, "option", name=key, value=value)
        for key, value in arguments.items():
            tree.SubElement(command, "argument", name=key, value=str(value))
        self.wire.sendall(tree.tostring(command))
        text = b""
        while text.count(b"</command>") < 2:
            text += self.wire.recv(65536)
        answer = tree.fromstring(text).find("administrator/command")
        if answer.find("code").get("value") != "SUCCESS":
            raise RuntimeError(f"{what}: {text}")
        return [{member.tag: member.get("value") for member in row} for row in answer.find("return")]

    def volume(self, name, gib=1):
        return self.call("vol_create", vol=name, pool="pool1", size_blocks=gib << 21)[0]


def size(disk):
    return int(run("blockdev", "--getsize64", disk))


def fails(what):
    try:
        what()
    except (OSError, RuntimeError):
        return True
    return False


def life(ready):
    array = Array(ready)
    target = {"iqn": array.iqn}
    one, two = array.volume("one"), array.volume("two")

    closed = record(target, None, None)
    hold("a stranger is not let in", run(*closed, "--login", ok=False) != 0)
    array.call("host_define", host="node", iscsi_chap_name="node", iscsi_chap_secret=SECRET)
    array.call("host_add_port", host="node", iscsi_name=NODE)
    hold("a host with a secret is not let in without it", run(*closed, "--login", ok=False) != 0)
    run(*closed, "-o", "delete")
    wrong = record(target, "node", "wrongwrongwrong")
    hold("nor with a wrong one", run(*wrong, "--login", ok=False) != 0)
    run(*wrong, "-o", "delete")
    node = record(target, "node", SECRET)
    hold("a host is let in before it has a volume", run(*node, "--login", ok=False) == 0)
    hold("and sees none", scanned(array.iqn, 5) is None)

    array.call("map_vol", vol="one", host="node", lun=5)
    disk = scanned(array.iqn, 5)
    hold("a mapped volume is seen at its LUN", disk is not None)
    hold("page 0x83 shows the volume's WWN", "0x" + one["wwn"].lower() in identifiers(disk), identifiers(disk))
    standard = run("sg_inq", disk)
    hold("the disk shows vendor and product", "IBM" in standard and "2810XIV" in standard, standard)
    hold("the disk has the volume's size", size(disk) == 1 << 30)
    array.call("map_vol", vol="two", host="node", lun=9)
    other = scanned(array.iqn, 9)
    hold("a second volume shares the session", "0x" + two["wwn"].lower() in identifiers(other))

    write(disk, "before")
    array.call("snapshot_create", vol="one", name="s")
    write(disk, "after")
    array.volume("copy")
    array.call("vol_copy", vol_src="s", vol_trg="copy")
    array.call("map_vol", vol="copy", host="node", lun=7)
    copy = scanned(array.iqn, 7)
    hold("a copy of a snapshot holds what it held", read(copy) == "before", read(copy))
    write(copy, "copy's own")
    hold("a copy's data is its own", read(disk) == "after", read(disk))
    array.call("vol_resize", vol="one", size_blocks=3 << 21)
    rescan(disk)
    hold("growth is seen on a rescan", size(disk) == 3 << 30)
    array.call("vol_resize", vol="one", size_blocks=1 << 21, shrink_volume="yes")
    array.call("snapshot_restore", snapshot="s")
    rescan(disk)
    hold("a restored volume holds the snapshot's data", read(disk) == "before", read(disk))

    array.call("unmap_vol", vol="two", host="node")
    hold("an unmapped volume answers nobody", fails(lambda: read(other)))
    hold("while its neighbour does", read(disk) == "before")
    array.call("map_vol", vol="copy", host="node", lun=9, override="yes")
    hold("a volume mapped elsewhere has left its LUN", fails(lambda: read(copy)))
    hold("a LUN used again shows another identity", "0x" + two["wwn"].lower() not in identifiers(other))

    array.call("vol_lock", vol="two")
    array.call("map_vol", vol="two", host="node", lun=11)
    locked = scanned(array.iqn, 11)
    hold("a locked volume is read-only", run("blockdev", "--getro", locked).strip() == "1")

    for name in ("one", "two", "copy"):
        array.call("unmap_vol", vol=name, host="node")
    run(*node, "--logout")
    for name in ("one", "two", "copy"):
        array.call("vol_unlock", vol=name)
        array.call("vol_delete", vol=name)
    dm, _, targets, stores = left_behind()
    hold("deletion leaves pool and target", dm.split()[0::2] == ["sim-sim1-pool"] and targets == [array.iqn] and not stores,
         (dm, targets, stores))
    status = run("dmsetup", "status", "sim-sim1-pool").split()
    hold("deletion gives the space back", status[5].startswith("0/"), status)
    hold("a host goes on being let in", run(*node, "--login", ok=False) == 0)
    run(*node, "--logout")
    array.call("host_delete", host="node")
    hold("one that is gone is not", run(*node, "--login", ok=False) != 0)
    run(*node, "-o", "delete")


judged(lambda: serve("xiv", "iscsi: ['127.0.0.1:3260']", life))
