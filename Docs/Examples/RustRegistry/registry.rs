//! A registry in Rust: each file of the folder `nodes.d`, beside the configuration, is a node. The file's
//! name is the node's identity and name, its lines are the node's addresses. It is looked at every second.
//!
//! Build:  rustc --edition 2021 --crate-type cdylib -O \
//!            -o librollcall-folder.so Docs/Examples/RustRegistry/registry.rs
//! Use:    registries: { folder: {} }   with ROLLCALL_PLUGIN_PATH=<the folder of the .so>

mod registry_plugin;

use registry_plugin::*;
use std::net::IpAddr;
use std::os::raw::c_void;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fs, io, mem, ptr, thread};

/// What the host gave to `create`. It lives until `destroy` has returned, and any thread may use it.
#[derive(Clone, Copy)]
struct Host(&'static registry_host_v1);
unsafe impl Send for Host {}

struct Registry {
    host: Host,
    folder: PathBuf,
    /// Ends the thread, and the thread.
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

struct Node {
    name: String,
    addresses: Vec<registry_address_v1>,
}

fn address(text: &str) -> Option<registry_address_v1> {
    let mut address = registry_address_v1::default();
    match text.trim().parse().ok()? {
        IpAddr::V4(v4) => {
            address.family = 4;
            address.bytes[..4].copy_from_slice(&v4.octets());
        }
        IpAddr::V6(v6) => {
            address.family = 6;
            address.bytes = v6.octets();
        }
    }
    Some(address)
}

fn look(folder: &Path) -> io::Result<Vec<Node>> {
    let mut nodes = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // An identity is printable ASCII without spaces. What begins with a dot isn't meant.
        let name = match entry.file_name().into_string() {
            Ok(name)
                if name.bytes().all(|byte| byte.is_ascii_graphic()) && !name.starts_with('.') =>
            {
                name
            }
            _ => continue,
        };
        if !fs::metadata(entry.path())?.is_file() {
            continue;
        }
        let addresses = fs::read_to_string(entry.path())?
            .lines()
            .filter_map(address)
            .take(1024)
            .collect();
        nodes.push(Node { name, addresses });
    }
    Ok(nodes)
}

/// Applies what the look found. Where it failed, what was applied before stays; at first that is nothing.
fn apply(host: Host, found: io::Result<Vec<Node>>, is_first: bool) {
    let (nodes, trouble) = match found {
        Ok(nodes) => (nodes, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let affiliates: Vec<_> = nodes
        .iter()
        .map(|node| registry_affiliate_v1 {
            node_id: registry_string_v1::new(&node.name),
            nodename: registry_string_v1::new(&node.name),
            addresses: node.addresses.as_ptr(),
            address_count: node.addresses.len(),
            ..Default::default()
        })
        .collect();
    let update = registry_update_v1 {
        kind: REGISTRY_UPDATE_SNAPSHOT,
        affiliates: affiliates.as_ptr(),
        affiliate_count: affiliates.len(),
        ..Default::default()
    };
    let report = registry_report_v1 {
        aspect: REGISTRY_ASPECT_READING,
        code: if trouble.is_none() {
            REGISTRY_OK
        } else {
            REGISTRY_UNAVAILABLE
        },
        text: registry_string_v1::new(trouble.as_deref().unwrap_or("")),
        ..Default::default()
    };
    let batch = registry_batch_v1 {
        updates: &update,
        update_count: (trouble.is_none() || is_first) as usize,
        reports: &report,
        report_count: 1,
        ..Default::default()
    };
    if let Some(apply) = host.0.apply {
        unsafe { apply(host.0.context, &batch, ptr::null_mut()) };
    }
}

fn watch(host: Host, folder: PathBuf, end: Receiver<()>) {
    let mut is_first = true;
    loop {
        apply(host, look(&folder), is_first);
        is_first = false;
        if end.recv_timeout(Duration::from_secs(1)) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

unsafe extern "C" fn create(
    host: *const registry_host_v1,
    settings: *const registry_settings_v1,
    instance: *mut *mut c_void,
    message: *mut registry_message_v1,
) -> registry_code {
    let (host, settings) = match (host.as_ref(), settings.as_ref()) {
        (Some(host), Some(settings)) => (host, settings),
        _ => return registry_fail(message, REGISTRY_INVALID_ARGUMENT, "no host or no settings"),
    };
    let folder = Path::new(settings.base_directory.text()).join("nodes.d");
    *instance = Box::into_raw(Box::new(Registry {
        host: Host(host),
        folder,
        running: None,
    })) as *mut c_void;
    REGISTRY_OK
}

unsafe extern "C" fn start(
    instance: *mut c_void,
    message: *mut registry_message_v1,
) -> registry_code {
    let registry = &mut *(instance as *mut Registry);
    let (sender, receiver) = channel();
    let (host, folder) = (registry.host, registry.folder.clone());
    match thread::Builder::new()
        .name("folder".into())
        .spawn(move || watch(host, folder, receiver))
    {
        Ok(thread) => registry.running = Some((sender, thread)),
        Err(error) => return registry_fail(message, REGISTRY_FAILED, &error.to_string()),
    }
    REGISTRY_OK
}

unsafe extern "C" fn stop(instance: *mut c_void) {
    if let Some((sender, thread)) = (*(instance as *mut Registry)).running.take() {
        drop(sender);
        let _ = thread.join();
    }
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance as *mut Registry));
}

static DESCRIPTOR: registry_descriptor_v1 = registry_descriptor_v1 {
    name: registry_string_v1::new("folder"),
    version: registry_string_v1::new("1.0.0"),
    prefix: registry_string_v1::new("folder"),
    summary: registry_string_v1::new("A folder with a file for each node"),
    options_schema: registry_string_v1::new(r#"{"type":"object"}"#),
    flags: 0,
    reserved: 0,
};

static PLUGIN: registry_plugin_v1 = registry_plugin_v1 {
    size: mem::size_of::<registry_plugin_v1>() as u32,
    abi_major: REGISTRY_ABI_MAJOR,
    abi_minor: REGISTRY_ABI_MINOR,
    descriptor: &DESCRIPTOR,
    create: Some(create),
    start: Some(start),
    publish: None,
    stop: Some(stop),
    destroy: Some(destroy),
    get_extension: None,
};

#[no_mangle]
pub extern "C" fn registry_plugin_entry_v1() -> *const registry_plugin_v1 {
    &PLUGIN
}
