// Prints the layout of everything in registry_plugin.rs as abi.c does of registry_plugin.h: both
// are compared with the golden file of the version.
#![allow(non_camel_case_types)]

#[path = "../../../Docs/Examples/RustRegistry/registry_plugin.rs"]
mod registry_plugin;

use registry_plugin::*;
use std::mem::{align_of, size_of, MaybeUninit};
use std::ptr::addr_of;

fn size_of_target<T>(_: *const T) -> usize {
    size_of::<T>()
}

macro_rules! numbers {
    ($($name:ident)*) => { $(println!("{} {}", stringify!($name), $name);)* };
}

macro_rules! layout {
    ($name:ident: $($field:ident)*) => {
        println!("{} size {} alignment {}", stringify!($name), size_of::<$name>(), align_of::<$name>());
        let value = MaybeUninit::<$name>::uninit();
        let _base = value.as_ptr();
        $(
            let field = unsafe { addr_of!((*_base).$field) };
            let offset = field as usize - _base as usize;
            println!("  {} offset {} size {}", stringify!($field), offset, size_of_target(field));
        )*
    };
}

fn main() {
    println!("entry {}", REGISTRY_PLUGIN_ENTRY);
    numbers!(
        REGISTRY_ABI_MAJOR
        REGISTRY_ABI_MINOR
        REGISTRY_OK
        REGISTRY_INVALID_ARGUMENT
        REGISTRY_LIMIT_EXCEEDED
        REGISTRY_STOPPED
        REGISTRY_UNAVAILABLE
        REGISTRY_PERMISSION_DENIED
        REGISTRY_UNSUPPORTED
        REGISTRY_FAILED
        REGISTRY_MACHINE_UNKNOWN
        REGISTRY_MACHINE_INIT
        REGISTRY_MACHINE_CONTROLPLANE
        REGISTRY_MACHINE_WORKER
        REGISTRY_AFFILIATE_STALE
        REGISTRY_AFFILIATE_LOCAL_ID
        REGISTRY_HEALTH_UNKNOWN
        REGISTRY_HEALTH_READY
        REGISTRY_HEALTH_NOT_READY
        REGISTRY_REASON_DEFAULT
        REGISTRY_REASON_WITHDRAWN
        REGISTRY_REASON_EXPIRED
        REGISTRY_REASON_DELETED
        REGISTRY_REASON_UNLISTED
        REGISTRY_REASON_REMOVED
        REGISTRY_UPDATE_SNAPSHOT
        REGISTRY_UPDATE_UPSERT
        REGISTRY_UPDATE_REMOVE
        REGISTRY_UPDATE_SOURCE_GONE
        REGISTRY_ASPECT_READING
        REGISTRY_ASPECT_CONTENT
        REGISTRY_ASPECT_PUBLISHING
        REGISTRY_ASPECT_CREDENTIALS
        REGISTRY_LOG_TRACE
        REGISTRY_LOG_DEBUG
        REGISTRY_LOG_INFO
        REGISTRY_LOG_NOTICE
        REGISTRY_LOG_WARNING
        REGISTRY_LOG_ERROR
        REGISTRY_LOG_CRITICAL
        REGISTRY_PUBLISHES
        REGISTRY_WANTS_CLUSTER_SECRET
        REGISTRY_LEASES
    );
    layout!(registry_code:);
    layout!(registry_message_v1: data capacity length);
    layout!(registry_string_v1: data length);
    layout!(registry_address_v1: bytes family reserved);
    layout!(registry_prefix_v1: address length reserved);
    layout!(registry_endpoint_v1: address port reserved);
    layout!(registry_label_v1: key value);
    layout!(registry_affiliate_v1:
        node_id hostname nodename operating_system machine_type flags addresses address_count
        api_server_port reserved health health_reason confirmed_at created_at machine_id labels
        label_count public_key kubespan_address additional_addresses additional_address_count
        excluded_networks excluded_network_count endpoints endpoint_count
    );
    layout!(registry_seen_endpoints_v1: node_id endpoints endpoint_count);
    layout!(registry_publication_v1: revision local seen seen_count);
    layout!(registry_update_v1: kind reason source affiliates affiliate_count node_ids node_id_count);
    layout!(registry_report_v1: aspect code source text);
    layout!(registry_batch_v1:
        updates update_count reports report_count expected_sources expected_source_count
    );
    layout!(registry_host_v1:
        size abi_major abi_minor context name version apply report published failed public_address
        log get_extension
    );
    layout!(registry_settings_v1:
        name options local_node_id cluster_id cluster_secret state_directory base_directory
        stop_timeout reserved
    );
    layout!(registry_descriptor_v1: name version prefix summary options_schema flags reserved);
    layout!(registry_plugin_v1:
        size abi_major abi_minor descriptor create start publish stop destroy get_extension
    );
}
