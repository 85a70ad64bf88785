//! Compiles the agent's C and this port's, with the headers of the WAMR that `wamrx-sys` carries.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

fn main() {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let agent = package.join("../../agent");
    let mut build = cc::Build::new();
    build
        .std("gnu11")
        .warnings(true)
        .extra_warnings(true)
        .include(&agent)
        .include(&package)
        .include(wamr_headers(&package))
        .define("WAMLET_MOST_PAYLOAD", "4096")
        .define("WAMLET_TRANSMIT_BYTES", "32768")
        .files(["port.c", "line.c", "counters.c", "linear_memory.c"]);
    for entry in fs::read_dir(&agent).expect("boards/agent is there") {
        let path = entry.expect("it can be listed").path();
        if path.extension().is_some_and(|extension| extension == "c") {
            build.file(path);
        }
    }
    if env::var_os("CARGO_FEATURE_SANITIZE").is_some() {
        build.flag("-fsanitize=address,undefined").flag("-fno-sanitize-recover=all");
        // By name, because rustc links with -nodefaultlibs; as libraries, because ASan's must be loaded before libc.
        println!("cargo:rustc-link-search=native={}", sanitizer_folder().display());
        println!("cargo:rustc-link-lib=dylib=asan");
        println!("cargo:rustc-link-lib=dylib=ubsan");
    }
    // Whole, so that this port's os_mmap is found before WAMR's own (linear_memory.c).
    build.link_lib_modifier("+whole-archive").compile("wamlet_agent");
    println!("cargo:rerun-if-changed=../../agent");
    println!("cargo:rerun-if-changed=.");
}

/// `wamrx-sys` tells nobody where its headers are; cargo knows where it unpacked the crate.
fn wamr_headers(package: &std::path::Path) -> PathBuf {
    let output = Command::new(env::var("CARGO").expect("set by cargo"))
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(package.join("Cargo.toml"))
        .output()
        .expect("cargo metadata runs");
    let metadata = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    metadata
        .split("\"manifest_path\":\"")
        .filter_map(|rest| rest.split('"').next())
        .find(|path| path.contains("wamrx-sys-"))
        .and_then(|path| PathBuf::from(path).parent().map(PathBuf::from))
        .expect("wamrx-sys is a dependency")
        .join("wasm-micro-runtime/core/iwasm/include")
}

/// gcc keeps the sanitizers' libraries in a folder of its own, where rustc's linker does not look.
fn sanitizer_folder() -> PathBuf {
    let output = Command::new("gcc").arg("-print-file-name=libasan.so").output().expect("gcc runs");
    let path = String::from_utf8(output.stdout).expect("a path");
    PathBuf::from(path.trim()).parent().expect("gcc has the sanitizers").to_path_buf()
}
