"""A SolidFire volume as a real disk, from creation to nothing left. Prints one line for each thing that holds."""
import base64, json, os, re, signal, ssl, subprocess, sys, time, traceback, urllib.request

TARGET = "/sys/kernel/config/target"


def run(*arguments, ok=True):
    done = subprocess.run(arguments, capture_output=True, text=True)
    if ok and done.returncode != 0:
        raise RuntimeError(f"{arguments}: {done.returncode} {done.stdout}{done.stderr}")
    return done.stdout if ok else done.returncode


def hold(what, condition, seen=""):
    print(f"{'HOLDS' if condition else 'FAILS'} {time.monotonic():6.1f} s  {what}", "" if condition else seen, flush=True)


class Array:
    def __init__(self, ready):
        array = ready["arrays"][0]
        self.url = f"https://{array['address']}:{array['port']}/json-rpc/12.3"
        self.context = ssl.create_default_context(cafile=ready["ca"])
        self.login = base64.b64encode(b"admin:secret").decode()

    def call(self, method, **params):
        body = json.dumps({"method": method, "params": params, "id": 1}).encode()
        request = urllib.request.Request(self.url, body, {"Authorization": "Basic " + self.login})
        with urllib.request.urlopen(request, context=self.context, timeout=60) as answer:
            answer = json.load(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


def record(volume, user, secret, mutual=None):
    node = ["iscsiadm", "-m", "node", "-T", volume["iqn"], "-p", "127.0.0.1:3260"]
    run(*node, "-o", "new")
    if user:
        for name, value in [("authmethod", "CHAP"), ("username", user), ("password", secret)]:
            run(*node, "-o", "update", "-n", "node.session.auth." + name, "-v", value)
    if mutual:
        for name, value in [("username_in", user), ("password_in", mutual)]:
            run(*node, "-o", "update", "-n", "node.session.auth." + name, "-v", value)
    return node


def attach(volume, user, secret, mutual=None):
    run(*record(volume, user, secret, mutual), "--login")
    disk = scanned(volume["iqn"], 0)
    if disk is None:
        raise RuntimeError("no disk appeared")
    return disk


def scanned(iqn, lun):
    """The disk at this LUN of the target that is logged in to, if there is one."""
    for session in os.listdir("/sys/class/iscsi_session"):
        with open(f"/sys/class/iscsi_session/{session}/targetname") as name:
            if name.read().strip() == iqn:
                link = os.path.realpath(f"/sys/class/iscsi_session/{session}")
                host = re.search(r"/(host\d+)/", link).group(1)
                with open(f"/sys/class/scsi_host/{host}/scan", "w") as scan:
                    scan.write(f"0 0 {lun}")
                run("udevadm", "settle", "-t", "60")
                for root, names, _ in os.walk(f"{link}/device"):
                    if root.endswith(f":{lun}/block"):
                        return "/dev/" + names[0]
    return None


def rescan(disk):
    with open(f"/sys/block/{disk[5:]}/device/rescan", "w") as again:
        again.write("1")


def detach(volume):
    node = ["iscsiadm", "-m", "node", "-T", volume["iqn"], "-p", "127.0.0.1:3260"]
    run(*node, "--logout")
    run(*node, "-o", "delete")


def write(disk, text, at=0):
    with open(disk, "r+b") as device:
        device.seek(at)
        device.write(text.encode().ljust(4096, b"."))
        device.flush()
        os.fsync(device.fileno())


def read(disk, at=0):
    run("blockdev", "--flushbufs", disk)
    with open(disk, "rb") as device:
        device.seek(at)
        return device.read(4096).rstrip(b".\0").decode()


def identifiers(disk):
    return run("sg_inq", "--page=0x83", disk).lower()


def wait_active(array, account, volume):
    for _ in range(50):
        for found in array.call("ListVolumesForAccount", accountID=account)["volumes"]:
            if found["volumeID"] == volume:
                return found
        time.sleep(0.1)
    raise RuntimeError(f"clone {volume} never became active")


def left_behind():
    dm = run("dmsetup", "ls").strip()
    loops = run("losetup", "-a").strip()
    targets = [name for name in os.listdir(TARGET + "/iscsi") if name.startswith("iqn")]
    stores = [name for name in os.listdir(TARGET + "/core") if name.startswith("iblock")]
    return dm, loops, targets, stores


def life(ready):
    array = Array(ready)
    account = array.call("AddAccount", username="tenant")["account"]
    user, secret = account["username"], account["initiatorSecret"]
    volume = array.call("CreateVolume", name="pvc-One", accountID=1, totalSize=1 << 30, enable512e=True)["volume"]

    wrong = record(volume, user, "wrongwrongwrong")
    hold("a wrong secret is not let in", run(*wrong, "--login", ok=False) != 0)
    run(*wrong, "-o", "delete")
    nobody = record(volume, None, None)
    hold("nobody is let in without CHAP", run(*nobody, "--login", ok=False) != 0)
    run(*nobody, "-o", "delete")

    disk = attach(volume, user, secret)
    inquiry = identifiers(disk)
    hold("page 0x83 shows the volume's NAA", "0x" + volume["scsiNAADeviceID"] in inquiry, inquiry)
    standard = run("sg_inq", disk)
    hold("the disk shows vendor and product", "SolidFir" in standard and "SSD SAN" in standard, standard)
    hold("the disk has the volume's size", int(run("blockdev", "--getsize64", disk)) == 1 << 30)
    sessions = array.call("ListISCSISessions")["sessions"]
    seen = [(s["volumeID"], s["initiatorName"], s["targetName"]) for s in sessions]
    hold("the session is listed", seen == [(volume["volumeID"], "iqn.2026-01.test:node", volume["iqn"])], seen)

    write(disk, "before")
    snapshot = array.call("CreateSnapshot", volumeID=volume["volumeID"], name="s")["snapshot"]
    write(disk, "after")
    used = array.call("GetClusterCapacity")["clusterCapacity"]["usedSpace"]
    hold("used space is counted", 0 < used < 1 << 24, used)

    clone_id = array.call("CloneVolume", volumeID=volume["volumeID"], name="clone")["volumeID"]
    restored_id = array.call("CloneVolume", volumeID=volume["volumeID"], name="restored",
                             snapshotID=snapshot["snapshotID"], newSize=2 << 30)["volumeID"]
    clone, restored = (wait_active(array, 1, id) for id in (clone_id, restored_id))
    clone_disk, restored_disk = attach(clone, user, secret), attach(restored, user, secret)
    hold("a clone holds what its source holds", read(clone_disk) == "after", read(clone_disk))
    hold("a volume from a snapshot holds what it held", read(restored_disk) == "before", read(restored_disk))
    hold("a clone may be larger", int(run("blockdev", "--getsize64", restored_disk)) == 2 << 30)
    write(clone_disk, "clone's own")
    hold("a clone's data is its own", read(disk) == "after", read(disk))
    hold("the clone has an identity of its own", "0x" + clone["scsiNAADeviceID"] in identifiers(clone_disk))

    array.call("ModifyVolume", volumeID=volume["volumeID"], totalSize=3 << 30)
    rescan(disk)
    hold("growth is seen on a rescan", int(run("blockdev", "--getsize64", disk)) == 3 << 30)
    write(disk, "far", (3 << 30) - 4096)
    hold("the grown part holds data", read(disk, (3 << 30) - 4096) == "far")
    array.call("RollbackToSnapshot", volumeID=volume["volumeID"], snapshotID=snapshot["snapshotID"])
    hold("a rollback brings the snapshot's data back", read(disk) == "before", read(disk))

    rescan(disk)
    hold("and its size", int(run("blockdev", "--getsize64", disk)) == 1 << 30)

    # Locking their account would cut these sessions, and udev would wait for disks that do not answer.
    detach(clone)
    detach(volume)
    members(array, restored)
    either(array, restored, user, secret)
    attach(volume, user, secret)
    array.call("DeleteVolume", volumeID=volume["volumeID"])
    hold("deletion cuts the session", array.call("ListISCSISessions")["sessions"] == [])
    run("iscsiadm", "-m", "node", "-T", volume["iqn"], "-p", "127.0.0.1:3260", "--logout", ok=False)
    for id in (clone_id, restored_id):
        array.call("DeleteVolume", volumeID=id)
    for id in (volume["volumeID"], clone_id, restored_id):
        array.call("PurgeDeletedVolume", volumeID=id)
    dm, loops, targets, stores = left_behind()
    hold("purging leaves only the pool", dm.split()[0::2] == ["sim-sim1-pool"] and not targets and not stores,
         (dm, targets, stores))
    status = run("dmsetup", "status", "sim-sim1-pool").split()
    hold("purging gives the space back", status[5].startswith("0/"), status)


def members(array, volume):
    """An access group lets an initiator in by its name, and locking cuts it off."""
    id = volume["volumeID"]
    detach(volume)
    array.call("ModifyAccount", accountID=1, status="locked")
    closed = record(volume, None, None)
    hold("a locked account's volume is closed", run(*closed, "--login", ok=False) != 0)
    run(*closed, "-o", "delete", ok=False)
    group = array.call("CreateVolumeAccessGroup", name="g", initiators=["iqn.2026-01.test:node"], volumes=[id])
    disk = attach(volume, None, None)
    hold("a member gets in without CHAP", read(disk) == "before")
    hold("a member's session is listed", [s["volumeID"] for s in array.call("ListISCSISessions")["sessions"]] .count(id) == 1)
    detach(volume)
    array.call("DeleteVolumeAccessGroup", volumeAccessGroupID=group["volumeAccessGroupID"])
    array.call("ModifyAccount", accountID=1, status="active")


def either(array, volume, user, secret):
    """While the account is open too, a member gets in by its name or by the secret, and a stranger by the secret only."""
    id = volume["volumeID"]
    disk = attach(volume, user, secret)
    write(disk, "before")
    group = array.call("CreateVolumeAccessGroup", name="g", initiators=["iqn.2026-01.test:node"], volumes=[id])
    group = group["volumeAccessGroupID"]
    hold("joining a group leaves the member's session alone", read(disk) == "before")
    detach(volume)
    disk = attach(volume, None, None)
    hold("a member needs no CHAP while its account has some", read(disk) == "before")
    detach(volume)
    disk = attach(volume, user, secret)
    hold("a member may still give the account's secret", read(disk) == "before")
    detach(volume)
    array.call("RemoveInitiatorsFromVolumeAccessGroup", volumeAccessGroupID=group, initiators=["iqn.2026-01.test:node"])
    closed = record(volume, None, None)
    hold("a former member is not let in without CHAP", run(*closed, "--login", ok=False) != 0)
    run(*closed, "-o", "delete", ok=False)
    array.call("AddInitiatorsToVolumeAccessGroup", volumeAccessGroupID=group, initiators=["iqn.2026-01.test:node"])
    disk = attach(volume, None, None)
    array.call("RemoveVolumesFromVolumeAccessGroup", volumeAccessGroupID=group, volumes=[id])
    held = [s["volumeID"] for s in array.call("ListISCSISessions")["sessions"]]
    hold("leaving the group ends a session that rested on it", id not in held, held)
    run("iscsiadm", "-m", "node", "-T", volume["iqn"], "-p", "127.0.0.1:3260", "--logout", ok=False)
    run("iscsiadm", "-m", "node", "-T", volume["iqn"], "-p", "127.0.0.1:3260", "-o", "delete", ok=False)
    array.call("DeleteVolumeAccessGroup", volumeAccessGroupID=group, deleteOrphanInitiators=True)


def serve(vendor, extra, work):
    with open("/run/simulator.yaml", "w") as config:
        config.write(f"""
tls: {{directory: /run/tls}}
arrays:
  - name: sim1
    vendor: {vendor}
    listen: 127.0.0.1:0
    credentials: {{username: admin, password: secret}}
    data: lio
    {extra}
""")
    server = subprocess.Popen([os.environ["SIMULATOR"], "--config", "/run/simulator.yaml"], stdout=subprocess.PIPE)
    try:
        ready = server.stdout.readline()
        print("READY", ready.decode().strip(), flush=True)
        work(json.loads(ready))
    finally:
        server.send_signal(signal.SIGTERM)
        status = server.wait(60)
    hold("the simulator ends with status 0", status == 0, status)
    left = left_behind()
    hold("nothing is left when it has ended", left in (("No devices found", "", [], []), ("", "", [], [])), left)


def mutual(ready):
    array = Array(ready)
    account = array.call("AddAccount", username="tenant")["account"]
    volume = array.call("CreateVolume", name="m", accountID=1, totalSize=1 << 30, enable512e=True)["volume"]
    disk = attach(volume, "tenant", account["initiatorSecret"], account["targetSecret"])
    hold("both sides prove who they are", int(run("blockdev", "--getsize64", disk)) == 1 << 30)
    detach(volume)


def judged(work):
    try:
        work()
        print("END", flush=True)
    except Exception:
        traceback.print_exc()
        print(run("dmesg")[-3000:])
        print(open("/run/iscsid.log").read()[-2000:])


def both():
    serve("solidfire", "", life)
    serve("solidfire", "lio: {chap: mutual}", mutual)


if __name__ == "__main__":
    judged(both)
