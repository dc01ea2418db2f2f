//! The commands that a system knows: what each takes and does. One that is not here is answered as an unknown one.

use super::arguments::Arguments;
use super::codes;
use super::document::{Answer, Row};
use super::model::{Net, System};

/// Works on one system, or on those that mirror to each other.
#[derive(Clone, Copy)]
enum Run {
    One(fn(&mut System, &Arguments) -> Answer),
    Net(fn(&mut Net, usize, &Arguments) -> Answer),
}

struct Command {
    name: &'static str,
    arguments: &'static [&'static str],
    run: Run,
}

macro_rules! commands {
    ($($name:ident [$($argument:ident)*] $kind:ident;)*) => {
        &[$(Command {
            name: stringify!($name),
            arguments: &[$(stringify!($argument)),*],
            run: commands!(@ $kind $name),
        }),*]
    };
    (@ one $name:ident) => { Run::One(System::$name) };
    (@ net $name:ident) => { Run::Net(Net::$name) };
}

const COMMANDS: &[Command] = commands! {
    cg_add_vol [cg vol] net;
    cg_create [cg gp pool] one;
    cg_delete [cg] net;
    cg_list [cg] net;
    cg_remove_vol [vol] net;
    cg_snapshots_create [cg overwrite snap_group] net;
    cluster_add_host [cluster host] one;
    cluster_create [cluster] one;
    cluster_delete [cluster] one;
    cluster_list [cluster] one;
    cluster_remove_host [cluster host] one;
    config_get [name] one;
    custom_event [description severity] one;
    domain_create [domain hard_capacity max_cgs max_dms max_mirrors max_pools max_volumes perf_class size soft_capacity] one;
    domain_delete [domain] one;
    domain_list [domain] one;
    event_list [max_events min_severity] one;
    fc_connectivity_list [role wwpn] one;
    fc_port_list [fcport] one;
    help [] one;
    host_add_port [fcaddress host iscsi_name num_of_visible_targets] one;
    host_connectivity_list [host] one;
    host_define [cluster domain host iscsi_chap_name iscsi_chap_secret] one;
    host_delete [host] one;
    host_list [host] one;
    host_remove_port [fcaddress host iscsi_name] one;
    host_rename [host new_name] one;
    host_update [host iscsi_chap_name iscsi_chap_secret] one;
    ipinterface_list [ipinterface] one;
    ipinterface_list_ports [] one;
    map_vol [cluster host lun override vol] one;
    mapping_list [cluster host] one;
    metadata_delete [key name object_type] one;
    metadata_list [key name object_type value] one;
    metadata_set [key name object_type value] one;
    mirror_activate [cg target vol] net;
    mirror_change_role [cg new_role target vol] net;
    mirror_change_schedule [cg schedule vol] net;
    mirror_create [cg create_slave init_type remote_pool remote_rpo remote_schedule rpo schedule slave_cg slave_vol target type vol] net;
    mirror_deactivate [cg target vol] net;
    mirror_delete [cg target vol] net;
    mirror_list [cg scope target vol] net;
    mirror_switch_roles [cg target vol] net;
    perf_class_add_vol [perf_class vol] one;
    perf_class_create [perf_class type] one;
    perf_class_delete [perf_class] one;
    perf_class_list [perf_class] one;
    perf_class_remove_vol [vol] one;
    perf_class_set_rate [max_bw_rate max_io_rate perf_class] one;
    pool_create [domain hard_size lock_behavior perf_class pool size snapshot_size soft_size] one;
    pool_delete [pool] one;
    pool_list [domain pool] one;
    schedule_create [interval schedule type] one;
    schedule_list [schedule] one;
    snap_group_delete [snap_group] one;
    snap_group_list [cg snap_group] one;
    snap_group_lock [snap_group] one;
    snap_group_restore [snap_group] net;
    snap_group_unlock [snap_group] one;
    snapshot_create [delete_priority ignore_mirror_check name overwrite vol] net;
    snapshot_delete [snapshot] one;
    snapshot_duplicate [name snapshot] one;
    snapshot_list [vol] one;
    snapshot_rename [new_name snapshot] one;
    snapshot_restore [snapshot target_snapshot] net;
    state_list [] one;
    target_list [target] net;
    unmap_vol [cluster host vol] one;
    version_get [] one;
    vol_copy [vol_src vol_trg] net;
    vol_create [pool size size_blocks vol] one;
    vol_delete [vol] net;
    vol_format [vol] net;
    vol_list [cg pool vol wwn] one;
    vol_lock [vol] one;
    vol_mapping_list [vol] one;
    vol_move [pool vol] one;
    vol_rename [new_name vol] one;
    vol_resize [shrink_volume size size_blocks vol] net;
    vol_unlock [vol] one;
};

impl Net {
    /// Lets the system do a command.
    pub(crate) fn call(&mut self, at: usize, name: &str, arguments: &Arguments) -> Answer {
        self.tick()?;
        let known = COMMANDS.binary_search_by(|command| command.name.cmp(name));
        let command = known.map(|place| &COMMANDS[place]).map_err(|_| codes::no_command(name))?;
        arguments.only(command.arguments)?;
        let answer = match command.run {
            Run::One(run) => run(&mut self.systems[at], arguments)?,
            Run::Net(run) => run(self, at, arguments)?,
        };
        self.tick()?;
        self.systems[at].expose()?;
        Ok(answer)
    }
}

impl System {
    fn help(&mut self, _: &Arguments) -> Answer {
        let row = |command: &Command| {
            let syntax: Vec<String> =
                command.arguments.iter().map(|name| format!("[ {name}=value ]")).collect();
            Row::new("command", command.name)
                .with("name", command.name)
                .with("category", "system")
                .with("description", command.name.replace('_', " "))
                .with("syntax", format!("{} {}", command.name, syntax.join(" ")))
        };
        Ok(COMMANDS.iter().map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::COMMANDS;

    #[test]
    fn the_table_is_sorted_so_that_lookup_finds_every_command() {
        assert!(COMMANDS.is_sorted_by(|a, b| a.name < b.name));
    }
}
