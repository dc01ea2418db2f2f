"""The life of volumes, groups, hosts and mirrors by IBM's own client library. After each step it prints one line of JSON
and waits for one, so that the arrays can be looked at from outside in between."""
import json, os, sys, warnings

warnings.simplefilter("ignore")
sys.stdout, protocol = sys.stderr, sys.stdout
sys.path.insert(0, os.path.dirname(__file__))
import shims

work, of = sys.argv[1], json.loads(sys.argv[2])
shims.ports(of)
from pyxcli import errors
from pyxcli.client import XCLIClient


def step(name, /, **facts):
    protocol.write(json.dumps({"step": name, **facts}) + "\n")
    protocol.flush()
    if not sys.stdin.readline():
        sys.exit("the test has gone away")


def refused(kind, call, **arguments):
    try:
        call(**arguments)
    except kind as error:
        return error.code
    sys.exit(f"{call} was not refused by {kind}")


def rows(answer, *members):
    return [[row[member] for member in members] for row in answer.as_list]


one, two = sorted(of)
client = XCLIClient.connect_multiendpoint_ssl("admin", "secret", [one], auto_discover=True, ca_certs=f"{work}/ca.pem")
other = XCLIClient.connect_multiendpoint_ssl("admin", "secret", [two], auto_discover=True, ca_certs=f"{work}/ca.pem")
cmd, far = client.cmd, other.cmd
version = cmd.version_get().as_single_element.system_version
config = cmd.config_get().as_dict("name")
step("connect", version=version, iqn=config["iscsi_name"].value, commands=len(cmd.help().as_list))

try:
    XCLIClient.connect_multiendpoint_ssl("admin", "wrong", [one], auto_discover=False)
    sys.exit("a wrong password was taken")
except errors.CredentialsError:
    pass
codes = [
    refused(errors.UnrecognizedCommandError, cmd.vol_levitate, vol="v"),
    refused(errors.PoolDoesNotExistError, cmd.vol_create, vol="v", size_blocks=2097152, pool="none"),
    refused(errors.IllegalNameForObjectError, cmd.vol_create, vol="v/w", size_blocks=2097152, pool="pool1"),
    refused(errors.PoolOutOfSpaceError, cmd.vol_create, vol="v", size_blocks=2**39, pool="pool1"),
    refused(errors.VolumeBadNameError, cmd.vol_delete, vol="v"),
]
step("refusals", codes=codes, listed=cmd.vol_list(vol="v").as_list)

made = cmd.vol_create(vol="v", size_blocks=2097152, pool="pool1").as_single_element
refused(errors.VolumeExistsError, cmd.vol_create, vol="v", size_blocks=2097152, pool="pool1")
step("create", wwn=made.wwn, capacity=made.capacity)

cmd.vol_resize(vol="v", size_blocks=4194304, shrink_volume="no")
refused(errors.VolumeSizeCannotBeDecreased, cmd.vol_resize, vol="v", size_blocks=2097152, shrink_volume="no")
cmd.vol_rename(vol="v", new_name="w")
step("grow-and-rename", rows=rows(cmd.vol_list(), "name", "capacity"))

taken = cmd.snapshot_create(vol="w", name="s").as_single_element
step("snapshot", wwn=taken.wwn, master=taken.master_name)

cmd.vol_create(vol="copy", size_blocks=2097152, pool="pool1")
cmd.vol_copy(vol_src="s", vol_trg="copy")
step("copy", capacity=cmd.vol_list(vol="copy").as_single_element.capacity)

cmd.snapshot_restore(snapshot="s")
step("restore")

host = cmd.host_define(host="node", iscsi_chap_name="node", iscsi_chap_secret="twelve-chars").as_list[0]
cmd.host_add_port(host="node", iscsi_name="iqn.2026-01.test:node")
cmd.host_add_port(host="node", fcaddress="10:00:00:00:c9:00:00:01")
cmd.map_vol(vol="w", host="node", lun=1)
try:
    cmd.map_vol(vol="copy", host="node", lun=1)
    sys.exit("a LUN was given twice")
except errors.CommandFailedRuntimeError as error:
    taken_lun = error.status
refused(errors.VolumeIsMappedError, cmd.vol_delete, vol="w")
step("map", text=taken_lun, rows=rows(cmd.mapping_list(host="node"), "volume", "lun"),
     ports=rows(cmd.host_list(host="node"), "iscsi_ports", "fc_ports"))

cmd.unmap_vol(vol="w", host="node")
try:
    cmd.unmap_vol(vol="w", host="node")
    sys.exit("a mapping was taken away twice")
except errors.CommandFailedRuntimeError as error:
    gone = error.status
cmd.host_delete(host="node")
step("unmap", text=gone)

cmd.perf_class_create(perf_class="slow", type="independent")
cmd.perf_class_set_rate(perf_class="slow", max_io_rate=500, max_bw_rate=10)
cmd.perf_class_add_vol(perf_class="slow", vol="w")
refused(errors.PerfClassAssociatedWithVolumesError, cmd.perf_class_delete, perf_class="slow")
step("limits", rows=rows(cmd.perf_class_list(), "name", "max_iops", "max_bw"))

cmd.cg_create(cg="g", pool="pool1")
for volume in ("w", "copy"):
    cmd.cg_add_vol(cg="g", vol=volume)
refused(errors.VolumeBelongsToCGError, cmd.cg_add_vol, cg="g", vol="w")
cmd.cg_snapshots_create(cg="g", snap_group="sg")
step("group", rows=rows(cmd.snap_group_list(cg="g"), "name", "cg"),
     members=sorted(row.name for row in cmd.vol_list().as_list if row.sg_name == "sg"))

cmd.snap_group_delete(snap_group="sg")
for volume in ("w", "copy"):
    cmd.cg_remove_vol(vol=volume)
cmd.cg_delete(cg="g")
target = cmd.target_list().as_single_element
cmd.mirror_create(vol="w", slave_vol="w", target=target.name, create_slave="yes", remote_pool="pool1")
cmd.mirror_activate(vol="w", target=target.name)
refused(errors.VolumeHasMirrorError, cmd.vol_delete, vol="w")
step("mirror", target=target.name, state=cmd.mirror_list(vol="w").as_single_element.sync_state)

step("synchronized", here=rows(cmd.mirror_list(vol="w"), "current_role", "sync_state", "active"),
     there=rows(far.mirror_list(vol="w"), "current_role", "sync_state", "active"))

cmd.mirror_switch_roles(vol="w")
through = client.get_remote_client(target.name)  # kept: what it gives holds it weakly
relayed = through.cmd
step("switched", here=rows(cmd.mirror_list(vol="w"), "current_role"), there=rows(far.mirror_list(vol="w"), "current_role"),
     relayed=rows(relayed.mirror_list(vol="w"), "current_role"))

far.mirror_deactivate(vol="w")
far.mirror_delete(vol="w")
cmd.vol_unlock(vol="w")
far.vol_delete(vol="w")
cmd.perf_class_remove_vol(vol="w")
cmd.perf_class_delete(perf_class="slow")
for volume in ("w", "copy"):
    cmd.vol_delete(vol=volume)
step("delete", left=cmd.vol_list().as_list)
