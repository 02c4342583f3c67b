//! The day by hour as whole numbers: which hours, which ticks, how long each bar. Floats may not enter.

use crate::domain::money::Money;
use crate::reconciliation::result::Hour;

/// Fewer hours than this look like a mistake.
const FEWEST_HOURS: usize = 8;
/// About this many lines across the chart.
const TICKS: i64 = 4;

/// A chart without its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// From the first hour with money to the last, at least eight.
    pub hours: Vec<Hour>,
    /// The values of the lines across, from zero to the top.
    pub ticks: Vec<Money>,
}

impl Chart {
    /// The chart of a day's hours.
    #[must_use]
    pub fn new(hours: &[Hour]) -> Self {
        let busy = |hour: &Hour| hour.gateway.count + hour.partner.count > 0;
        let mut first = hours.iter().position(busy).unwrap_or(8);
        let mut last = hours.iter().rposition(busy).unwrap_or(17);
        while last + 1 - first < FEWEST_HOURS {
            first = first.saturating_sub(1);
            last = (last + 1).min(hours.len().saturating_sub(1));
            if first == 0 && last + 1 >= hours.len() {
                break;
            }
        }
        let shown: Vec<Hour> = hours.iter().take(last + 1).skip(first).copied().collect();
        let most = shown.iter().map(|hour| hour.gateway.amount.max(hour.partner.amount)).max().unwrap_or_default();
        Self { hours: shown, ticks: ticks(most) }
    }

    /// The length of a bar when the whole chart is `height` high.
    #[must_use]
    pub fn bar(&self, amount: Money, height: i32) -> i32 {
        let top = self.ticks.last().map_or(1, |top| top.centavos().max(1));
        let length = i128::from(amount.centavos()) * i128::from(height) / i128::from(top);
        // An hour with money always shows.
        let least = i32::from(amount.is_positive());
        i32::try_from(length).unwrap_or(height).clamp(least, height)
    }

    /// A tick for people: `0`, `500 mil`, `2,5 M` (millions).
    #[must_use]
    pub fn label(tick: Money) -> String {
        let pesos = tick.centavos() / 100;
        match (pesos, pesos % 1_000_000 / 100_000) {
            (1_000_000.., 0) => format!("{} M", pesos / 1_000_000),
            (1_000_000.., tenths) => format!("{},{tenths} M", pesos / 1_000_000),
            (1_000.., _) => format!("{} mil", pesos / 1_000),
            _ => pesos.to_string(),
        }
    }
}

/// Round values from zero to at least `most`.
fn ticks(most: Money) -> Vec<Money> {
    let pesos = (most.centavos() / 100 + 1).max(100);
    let mut unit = 1;
    // The smallest of 1, 2, 5 times a power of ten that covers the whole in the wished number of steps.
    while unit * 10 * TICKS < pesos {
        unit *= 10;
    }
    let step = [1, 2, 5, 10].into_iter().map(|n| n * unit).find(|step| step * TICKS >= pesos).unwrap_or(unit * 10);
    let count = (pesos + step - 1) / step;
    (0..=count).map(|n| Money::from_pesos(n * step)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bar_leaves_the_chart_and_ticks_are_few(amounts in prop::collection::vec(0i64..9_000_000_000_000, 24)) {
            let mut hours: Vec<Hour> = (0..24).map(|hour| Hour { hour, ..Hour::default() }).collect();
            for (hour, amount) in hours.iter_mut().zip(&amounts) {
                if *amount > 0 {
                    hour.gateway.add(Money::from_centavos(*amount));
                }
            }
            let chart = Chart::new(&hours);
            prop_assert!((2..=6).contains(&chart.ticks.len()), "{:?}", chart.ticks);
            for hour in &chart.hours {
                prop_assert!(hour.gateway.amount <= *chart.ticks.last().unwrap());
                prop_assert!((0..=100).contains(&chart.bar(hour.gateway.amount, 100)));
            }
            prop_assert!(chart.hours.len() >= FEWEST_HOURS);
        }
    }

    #[test]
    fn an_empty_day_still_draws() {
        let hours: Vec<Hour> = (0..24).map(|hour| Hour { hour, ..Hour::default() }).collect();
        let chart = Chart::new(&hours);
        assert!(chart.hours.len() >= FEWEST_HOURS);
        assert_eq!(chart.bar(Money::ZERO, 100), 0);
        assert_eq!(Chart::label(Money::from_pesos(2_500_000)), "2,5 M");
        assert_eq!(Chart::label(Money::from_pesos(500_000)), "500 mil");
    }
}
