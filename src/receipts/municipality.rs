//! Names of municipalities, by their DIVIPOLA code (DANE): those of Norte de Santander.
//!
//! A fact keeps the code; a receipt is read by people. A code that is not here is printed as it stands.

/// The name of a municipality.
#[must_use]
pub fn name(code: &str) -> Option<&'static str> {
    NAMES.binary_search_by_key(&code, |(code, _)| code).ok().map(|place| NAMES[place].1)
}

const NAMES: [(&str, &str); 40] = [
    ("54001", "Cúcuta"),
    ("54003", "Abrego"),
    ("54051", "Arboledas"),
    ("54099", "Bochalema"),
    ("54109", "Bucarasica"),
    ("54125", "Cácota"),
    ("54128", "Cachirá"),
    ("54172", "Chinácota"),
    ("54174", "Chitagá"),
    ("54206", "Convención"),
    ("54223", "Cucutilla"),
    ("54239", "Durania"),
    ("54245", "El Carmen"),
    ("54250", "El Tarra"),
    ("54261", "El Zulia"),
    ("54313", "Gramalote"),
    ("54344", "Hacarí"),
    ("54347", "Herrán"),
    ("54377", "Labateca"),
    ("54385", "La Esperanza"),
    ("54398", "La Playa"),
    ("54405", "Los Patios"),
    ("54418", "Lourdes"),
    ("54480", "Mutiscua"),
    ("54498", "Ocaña"),
    ("54518", "Pamplona"),
    ("54520", "Pamplonita"),
    ("54553", "Puerto Santander"),
    ("54599", "Ragonvalia"),
    ("54660", "Salazar"),
    ("54670", "San Calixto"),
    ("54673", "San Cayetano"),
    ("54680", "Santiago"),
    ("54720", "Sardinata"),
    ("54743", "Silos"),
    ("54800", "Teorama"),
    ("54810", "Tibú"),
    ("54820", "Toledo"),
    ("54871", "Villa Caro"),
    ("54874", "Villa del Rosario"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_and_no_other() {
        assert!(NAMES.iter().all(|(code, text)| name(code) == Some(*text)));
        assert_eq!(name("54001"), Some("Cúcuta"));
        assert_eq!(name("11001"), None);
    }
}
