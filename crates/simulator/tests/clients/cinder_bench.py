"""What the scripts share that drive OpenStack Cinder's own SolidFire driver: configuration, database, objects, steps."""
import json, sys, warnings

warnings.simplefilter("ignore")
sys.stdout, protocol = sys.stderr, sys.stdout

work, ports = sys.argv[1], sys.argv[2:]

from oslo_config import cfg
from cinder import context, objects
from cinder.common import config as _  # registers the options of the whole of Cinder

objects.register_all()

from cinder import coordination
from cinder.db import migration
from cinder.volume import configuration, group_types, qos_specs, volume_types
from cinder.volume.drivers import solidfire

admin = context.RequestContext("user", "tenant", is_admin=True)


def step(name, /, **facts):
    """Says what was done and waits to be let on, so that the array can be looked at from outside in between."""
    protocol.write(json.dumps({"step": name, **facts}) + "\n")
    protocol.flush()
    if not sys.stdin.readline():
        sys.exit("the test has gone away")


def configure(**backends):
    """Backends by name, each with its options beside those that all have."""
    with open(f"{work}/cinder.conf", "w") as file:
        file.write(f"[DEFAULT]\nstate_path = {work}\nenabled_backends = {','.join(backends)}\n"
                   f"[database]\nconnection = sqlite:///{work}/cinder.db\n[oslo_concurrency]\nlock_path = {work}\n")
        for name, options in backends.items():
            common = {"volume_driver": "cinder.volume.drivers.solidfire.SolidFireDriver", "volume_backend_name": name,
                      "san_ip": "127.0.0.1", "san_login": "admin", "san_password": "secret", "sf_api_port": ports[0],
                      "driver_ssl_cert_verify": True}
            file.write(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in {**common, **options}.items()))
    cfg.CONF(["--config-file", f"{work}/cinder.conf"], project="cinder")
    migration.db_sync()
    coordination.COORDINATOR.start()


def driver(backend):
    made = solidfire.SolidFireDriver(
        configuration=configuration.Configuration(solidfire.sf_opts, config_group=backend))
    made.do_setup(None)
    made.check_for_setup_error()
    return made


def volume_type(name, extra=None, qos=None):
    made = volume_types.create(admin, name, extra or {})
    if qos:
        specs = qos_specs.create(admin, name + "-qos", {"consumer": "back-end", **qos})
        qos_specs.associate_qos_with_type(admin, specs.id, made.id)
    return made


def volume(size, kind, backend="sf1", **more):
    new = objects.Volume(admin, size=size, project_id="tenant", user_id="user", host=f"h@{backend}#{backend}",
                         status="creating", volume_type_id=kind.id, multiattach=False, **more)
    new.create()
    return new


def snapshot(of, **more):
    new = objects.Snapshot(admin, volume_id=of.id, volume_size=of.size, project_id="tenant", user_id="user",
                           status="creating", volume_type_id=of.volume_type_id, **more)
    new.create()
    return new


def number(thing):
    """The number that the cluster gave a volume or snapshot."""
    return int(thing.provider_id.split()[0])


def adopt(thing, facts):
    """Lets Cinder's object be as the driver says, and tells its number."""
    thing.update({key: value for key, value in (facts or {}).items() if key != "id"})
    thing.save()
    return number(thing)
