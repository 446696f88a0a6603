//! Runs the crate bhtsne for tsne.py: `bhtsne-run barnes-hut|fft X.npy Y.npy`, on as many
//! threads as RAYON_NUM_THREADS says. Prints the seconds of the fit. X is float32 in C order.

use std::{env, fs, time::Instant};

fn euclidean(a: &&[f32], b: &&[f32]) -> f32 {
    a.iter().zip(b.iter()).map(|(x, y)| (x - y) * (x - y)).sum::<f32>().sqrt()
}

/// The rows of a .npy file that numpy.save wrote, and their length.
fn read(path: &str) -> (Vec<f32>, usize) {
    let bytes = fs::read(path).expect("the input");
    let start = 10 + u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let header = String::from_utf8_lossy(&bytes[10..start]).into_owned();
    assert!(header.contains("<f4") && header.contains("'fortran_order': False"), "want float32 in C order");
    let shape = header.split("'shape': (").nth(1).expect("a shape").split(')').next().expect("its end");
    let columns = shape.split(',').nth(1).expect("two dimensions").trim().parse().expect("a length");
    let values = bytes[start..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    (values, columns)
}

fn write(path: &str, y: &[f32]) {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, 2), }}", y.len() / 2);
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(y.iter().flat_map(|v| v.to_le_bytes()));
    fs::write(path, bytes).expect("the output");
}

fn main() {
    let args: Vec<String> = env::args().collect();
    let (values, columns) = read(&args[2]);
    let rows: Vec<&[f32]> = values.chunks_exact(columns).collect();
    let began = Instant::now();
    let mut model = bhtsne::tSNE::<f32, &[f32], 2>::new(&rows);
    model.perplexity(30.0).epochs(1000);
    match args[1].as_str() {
        "fft" => model.fit_sne(euclidean),
        _ => model.barnes_hut(0.5, euclidean),
    };
    println!("{}", began.elapsed().as_secs_f64());
    write(&args[3], &model.embedding());
}
