//! The plugin boundary of Rollcall, version 1, for authors in Rust: the declarations of `registry_plugin.h`,
//! whose comments are the specification. A test compares every number, size and offset with the header's.
#![allow(non_camel_case_types, dead_code)]

use std::os::raw::{c_char, c_void};
use std::{mem, ptr, slice, str};

pub const REGISTRY_PLUGIN_ENTRY: &str = "registry_plugin_entry_v1";
pub const REGISTRY_ABI_MAJOR: u16 = 1;
pub const REGISTRY_ABI_MINOR: u16 = 0;

pub type registry_code = i32;
pub const REGISTRY_OK: registry_code = 0;
pub const REGISTRY_INVALID_ARGUMENT: registry_code = 1;
pub const REGISTRY_LIMIT_EXCEEDED: registry_code = 2;
pub const REGISTRY_STOPPED: registry_code = 3;
pub const REGISTRY_UNAVAILABLE: registry_code = 4;
pub const REGISTRY_PERMISSION_DENIED: registry_code = 5;
pub const REGISTRY_UNSUPPORTED: registry_code = 6;
pub const REGISTRY_FAILED: registry_code = 7;

pub const REGISTRY_MACHINE_UNKNOWN: u32 = 0;
pub const REGISTRY_MACHINE_INIT: u32 = 1;
pub const REGISTRY_MACHINE_CONTROLPLANE: u32 = 2;
pub const REGISTRY_MACHINE_WORKER: u32 = 3;

pub const REGISTRY_AFFILIATE_STALE: u32 = 0x1;
pub const REGISTRY_AFFILIATE_LOCAL_ID: u32 = 0x2;

pub const REGISTRY_HEALTH_UNKNOWN: u32 = 0;
pub const REGISTRY_HEALTH_READY: u32 = 1;
pub const REGISTRY_HEALTH_NOT_READY: u32 = 2;

pub const REGISTRY_REASON_DEFAULT: u32 = 0;
pub const REGISTRY_REASON_WITHDRAWN: u32 = 1;
pub const REGISTRY_REASON_EXPIRED: u32 = 2;
pub const REGISTRY_REASON_DELETED: u32 = 3;
pub const REGISTRY_REASON_UNLISTED: u32 = 4;
pub const REGISTRY_REASON_REMOVED: u32 = 5;

pub const REGISTRY_UPDATE_SNAPSHOT: u32 = 1;
pub const REGISTRY_UPDATE_UPSERT: u32 = 2;
pub const REGISTRY_UPDATE_REMOVE: u32 = 3;
pub const REGISTRY_UPDATE_SOURCE_GONE: u32 = 4;

pub const REGISTRY_ASPECT_READING: u32 = 0;
pub const REGISTRY_ASPECT_CONTENT: u32 = 1;
pub const REGISTRY_ASPECT_PUBLISHING: u32 = 2;
pub const REGISTRY_ASPECT_CREDENTIALS: u32 = 3;

pub const REGISTRY_LOG_TRACE: u32 = 0;
pub const REGISTRY_LOG_DEBUG: u32 = 1;
pub const REGISTRY_LOG_INFO: u32 = 2;
pub const REGISTRY_LOG_NOTICE: u32 = 3;
pub const REGISTRY_LOG_WARNING: u32 = 4;
pub const REGISTRY_LOG_ERROR: u32 = 5;
pub const REGISTRY_LOG_CRITICAL: u32 = 6;

pub const REGISTRY_PUBLISHES: u32 = 0x1;
pub const REGISTRY_WANTS_CLUSTER_SECRET: u32 = 0x2;
pub const REGISTRY_LEASES: u32 = 0x4;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_message_v1 {
    pub data: *mut c_char,
    pub capacity: usize,
    pub length: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_string_v1 {
    pub data: *const c_char,
    pub length: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_address_v1 {
    pub bytes: [u8; 16],
    pub family: u8,
    pub reserved: [u8; 7],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_prefix_v1 {
    pub address: registry_address_v1,
    pub length: u8,
    pub reserved: [u8; 7],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_endpoint_v1 {
    pub address: registry_address_v1,
    pub port: u16,
    pub reserved: [u8; 6],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_label_v1 {
    pub key: registry_string_v1,
    pub value: registry_string_v1,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_affiliate_v1 {
    pub node_id: registry_string_v1,
    pub hostname: registry_string_v1,
    pub nodename: registry_string_v1,
    pub operating_system: registry_string_v1,
    pub machine_type: u32,
    pub flags: u32,
    pub addresses: *const registry_address_v1,
    pub address_count: usize,
    pub api_server_port: u16,
    pub reserved: [u8; 2],
    pub health: u32,
    pub health_reason: registry_string_v1,
    pub confirmed_at: i64,
    pub created_at: i64,
    pub machine_id: registry_string_v1,
    pub labels: *const registry_label_v1,
    pub label_count: usize,
    pub public_key: registry_string_v1,
    pub kubespan_address: registry_address_v1,
    pub additional_addresses: *const registry_prefix_v1,
    pub additional_address_count: usize,
    pub excluded_networks: *const registry_prefix_v1,
    pub excluded_network_count: usize,
    pub endpoints: *const registry_endpoint_v1,
    pub endpoint_count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_seen_endpoints_v1 {
    pub node_id: registry_string_v1,
    pub endpoints: *const registry_endpoint_v1,
    pub endpoint_count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_publication_v1 {
    pub revision: u64,
    pub local: *const registry_affiliate_v1,
    pub seen: *const registry_seen_endpoints_v1,
    pub seen_count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_update_v1 {
    pub kind: u32,
    pub reason: u32,
    pub source: registry_string_v1,
    pub affiliates: *const registry_affiliate_v1,
    pub affiliate_count: usize,
    pub node_ids: *const registry_string_v1,
    pub node_id_count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_report_v1 {
    pub aspect: u32,
    pub code: registry_code,
    pub source: registry_string_v1,
    pub text: registry_string_v1,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_batch_v1 {
    pub updates: *const registry_update_v1,
    pub update_count: usize,
    pub reports: *const registry_report_v1,
    pub report_count: usize,
    pub expected_sources: *const registry_string_v1,
    pub expected_source_count: usize,
}

/// Any thread may call these functions.
#[repr(C)]
pub struct registry_host_v1 {
    pub size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub context: *mut c_void,
    pub name: registry_string_v1,
    pub version: registry_string_v1,
    pub apply: Option<
        unsafe extern "C" fn(
            *mut c_void,
            *const registry_batch_v1,
            *mut registry_message_v1,
        ) -> registry_code,
    >,
    pub report: Option<unsafe extern "C" fn(*mut c_void, *const registry_report_v1)>,
    pub published:
        Option<unsafe extern "C" fn(*mut c_void, u64, registry_code, registry_string_v1)>,
    pub failed: Option<unsafe extern "C" fn(*mut c_void, registry_code, registry_string_v1)>,
    pub public_address: Option<unsafe extern "C" fn(*mut c_void, registry_address_v1)>,
    pub log: Option<unsafe extern "C" fn(*mut c_void, u32, registry_string_v1)>,
    pub get_extension:
        Option<unsafe extern "C" fn(*mut c_void, registry_string_v1) -> *const c_void>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct registry_settings_v1 {
    pub name: registry_string_v1,
    pub options: registry_string_v1,
    pub local_node_id: registry_string_v1,
    pub cluster_id: registry_string_v1,
    pub cluster_secret: registry_string_v1,
    pub state_directory: registry_string_v1,
    pub base_directory: registry_string_v1,
    pub stop_timeout: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct registry_descriptor_v1 {
    pub name: registry_string_v1,
    pub version: registry_string_v1,
    pub prefix: registry_string_v1,
    pub summary: registry_string_v1,
    pub options_schema: registry_string_v1,
    pub flags: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct registry_plugin_v1 {
    pub size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub descriptor: *const registry_descriptor_v1,
    pub create: Option<
        unsafe extern "C" fn(
            *const registry_host_v1,
            *const registry_settings_v1,
            *mut *mut c_void,
            *mut registry_message_v1,
        ) -> registry_code,
    >,
    pub start: Option<unsafe extern "C" fn(*mut c_void, *mut registry_message_v1) -> registry_code>,
    pub publish: Option<
        unsafe extern "C" fn(
            *mut c_void,
            *const registry_publication_v1,
            *mut registry_message_v1,
        ) -> registry_code,
    >,
    pub stop: Option<unsafe extern "C" fn(*mut c_void)>,
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    pub get_extension: Option<unsafe extern "C" fn(registry_string_v1) -> *const c_void>,
}

// Both are constant and live as long as the process.
unsafe impl Sync for registry_descriptor_v1 {}
unsafe impl Sync for registry_plugin_v1 {}

impl registry_string_v1 {
    /// The text, which must outlive the value.
    pub const fn new(text: &str) -> Self {
        Self {
            data: text.as_ptr() as *const c_char,
            length: text.len(),
        }
    }

    /// What the value points to, for as long as that lives: see the header.
    ///
    /// # Safety
    /// The value comes from the host, and what it points to still lives.
    pub unsafe fn text<'a>(&self) -> &'a str {
        if self.length == 0 {
            return "";
        }
        let bytes = slice::from_raw_parts(self.data as *const u8, self.length);
        str::from_utf8(bytes).unwrap_or("")
    }
}

/// Writes as much of `text` into `message` as fits, and returns `code`.
///
/// # Safety
/// `message` comes from the host, in the call that is answered.
pub unsafe fn registry_fail(
    message: *mut registry_message_v1,
    code: registry_code,
    text: &str,
) -> registry_code {
    if let Some(message) = message.as_mut() {
        message.length = text.len().min(message.capacity);
        ptr::copy_nonoverlapping(text.as_ptr(), message.data as *mut u8, message.length);
    }
    code
}

/// Values in which nothing is said: all zero.
macro_rules! nothing_said {
    ($($name:ident),*) => {
        $(impl Default for $name {
            fn default() -> Self {
                unsafe { mem::zeroed() }
            }
        })*
    };
}
nothing_said!(
    registry_string_v1,
    registry_address_v1,
    registry_affiliate_v1,
    registry_update_v1,
    registry_report_v1,
    registry_batch_v1
);
