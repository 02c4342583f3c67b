//! Where the processors' time goes: the gateway, the load generator, and everything else.

/// Processor time spent so far, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    pub gateway: u64,
    pub generator: u64,
    pub elsewhere: u64,
}

/// What the kernel counts in: hundredths of a second on every platform that has `/proc`.
const TICK_MICROS: u64 = 10_000;

impl Spent {
    pub fn now(gateway: u32) -> Self {
        let (gateway, generator) = (of_process(&gateway.to_string()), of_process("self"));
        Self { gateway, generator, elsewhere: busy().saturating_sub(gateway + generator) }
    }

    pub fn since(&self, before: &Self) -> Self {
        Self {
            gateway: self.gateway - before.gateway,
            generator: self.generator - before.generator,
            elsewhere: self.elsewhere.saturating_sub(before.elsewhere),
        }
    }

    pub fn per(&self, requests: usize) -> Self {
        let share = |micros: u64| micros / (requests.max(1) as u64);
        Self { gateway: share(self.gateway), generator: share(self.generator), elsewhere: share(self.elsewhere) }
    }
}

fn of_process(pid: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may have blanks: what follows its closing bracket has none. User and system are 14th and 15th.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * TICK_MICROS
}

fn busy() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<u64> = ticks.filter_map(|ticks| ticks.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq
    let busy = [0, 1, 2, 5, 6].iter().filter_map(|at| ticks.get(*at)).sum::<u64>();
    busy * TICK_MICROS
}
