//! Billing's own system, as the gateway sees it.

use std::path::Path;

use crate::gateway::{Prepared, base};

/// Billing's own system, which sends files.
pub struct Billing {
    http: reqwest::Client,
    token: String,
    base: String,
}

impl Billing {
    pub async fn of(prepared: &Prepared, address: &str) -> Self {
        let token = prepared.token_of("billing", "", address).await;
        Self { http: prepared.http("billing"), token, base: base(address) }
    }

    /// Sends a file and says where to ask after it.
    pub async fn send(&self, file: &Path) -> String {
        let body = std::fs::read(file).unwrap();
        let request = self.http.post(format!("{}/v1/billing/snapshots", self.base)).bearer_auth(&self.token);
        let answer = request.header("content-type", "application/jsonl").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 202, "{:?}", answer.text().await);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// What became of it.
    pub async fn status(&self, place: &str) -> String {
        let request = self.http.get(format!("{}{place}", self.base)).bearer_auth(&self.token);
        let json: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
        json["status"].as_str().expect("a status").to_owned()
    }
}
