// Lays a batch out in memory as the host does and asks the probe about it.
use crate::sluice::{days, sluice_decide, units, BASE, DAY, HOUR, MINUTE, SECOND};
use std::sync::atomic::Ordering;

struct Batch(Vec<u64>, usize);

impl Batch {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        for (i, b) in bytes.iter().enumerate() {
            let word = &mut self.0[(at + i) / 8];
            *word |= u64::from(*b) << ((at + i) % 8 * 8);
        }
    }

    fn text(&mut self, at: usize, text: &str) {
        let to = self.1;
        self.put(to, text.as_bytes());
        self.1 += text.len();
        self.put(at, &(to as u32).to_le_bytes());
        self.put(at + 4, &(text.len() as u32).to_le_bytes());
    }

    fn byte(&self, at: usize) -> u8 {
        (self.0[at / 8] >> (at % 8 * 8)) as u8
    }
}

#[test]
fn a_batch() {
    const VIEWER: usize = 64;
    const ROWS: usize = 96;
    const STRIDE: usize = 96;
    const GRANTS: usize = 512;
    const MASKS: usize = 528;
    const REASONS: usize = 600;
    const ITEMS: usize = 640;
    let mut b = Batch(vec![0; 512], 1024);
    for (i, v) in [1, 3, STRIDE, 0, VIEWER, ROWS, GRANTS, MASKS, REASONS].into_iter().enumerate() {
        b.put(8 + 4 * i, &(v as u32).to_le_bytes());
    }
    b.text(VIEWER + 8, "north");
    b.text(ITEMS, "press");
    b.text(ITEMS + 8, "north");
    for i in 0..3usize {
        let row = ROWS + i * STRIDE;
        b.put(row, &[2]); // NOTHING is null
        let day = days(2024, 2, 29);
        let numbers = [
            (0, 1), (2, units(-12, 2) - 34), (3, day), (4, day * DAY + DAY - 1), (5, 15 * HOUR + 4 * MINUTE + 5 * SECOND),
            (6, if i == 1 { 0 } else { DAY + 2 * HOUR }), (8, -9000000000000000000), (10, 3),
        ];
        for (column, v) in numbers {
            b.put(row + 8 + 8 * column, &v.to_le_bytes());
        }
        b.put(row + 8 + 8 * 7, &(ITEMS as u32).to_le_bytes());
        b.put(row + 8 + 8 * 7 + 4, &(if i == 2 { 1u32 } else { 2 }).to_le_bytes());
        b.text(row + 8 + 8 * 9, "northern lights");
    }
    BASE.store(b.0.as_mut_ptr() as usize, Ordering::Relaxed);
    assert_eq!(sluice_decide(8), 0);
    let got: Vec<(u8, u8)> = (0..3).map(|i| (b.byte(GRANTS + i), b.byte(REASONS + i))).collect();
    assert_eq!(got, [(1, 0), (0, 8), (0, 9)]);
    b.put(8, &[2]); // an interface of another number
    assert_eq!(sluice_decide(8), 1);
    for (date, want) in [((1970, 1, 1), 0), ((1969, 12, 31), -1), ((2000, 3, 1), 11017), ((1600, 2, 29), -135081)] {
        assert_eq!(days(date.0, date.1, date.2), want);
    }
}
