//! Who and what the large demo is about: brands, partners and campaigns.

use types::JoinMode;

/// A brand.
#[derive(Debug)]
pub(super) struct Brand {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) currency: &'static str,
    /// Orders are numbered with it.
    pub(super) prefix: &'static str,
}

/// `brand123` is the walk's: in the console it has a past.
pub(super) const BRANDS: [Brand; 3] = [
    Brand {
        id: "brand123",
        name: "Northwind Outdoor",
        currency: "USD",
        prefix: "NW",
    },
    Brand {
        id: "brand-lumen",
        name: "Lumen Home",
        currency: "EUR",
        prefix: "LU",
    },
    Brand {
        id: "brand-saga",
        name: "Saga Books",
        currency: "EUR",
        prefix: "SB",
    },
];

/// A campaign.
#[derive(Debug)]
pub(super) struct Campaign {
    pub(super) id: &'static str,
    pub(super) brand: usize,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) host: &'static str,
    pub(super) join: JoinMode,
    /// What a sale earns: a rate in basis points, or in cents.
    pub(super) sale: Earning,
    /// What a lead earns, in cents.
    pub(super) lead: Option<i64>,
    pub(super) hold_days: i64,
    /// How much goes on there, beside the others.
    pub(super) weight: u64,
    /// The cheapest and the dearest order, in cents.
    pub(super) prices: (u64, u64),
    /// The day from which nothing goes on there, and whether its brand pauses it or its end has come.
    pub(super) until: Option<(i64, End)>,
    /// What it may cost in all.
    pub(super) budget: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Earning {
    Rate(i64),
    Flat(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Paused,
    Ended,
}

impl Campaign {
    pub(super) const fn brand(&self) -> &'static Brand {
        &BRANDS[self.brand]
    }

    pub(super) fn is_on(&self, day: i64) -> bool {
        self.until.is_none_or(|(end, _)| day < end)
    }
}

pub(super) const CAMPAIGNS: [Campaign; 6] = [
    Campaign {
        id: "trail-gear",
        brand: 0,
        name: "Trail gear",
        description: "Boots, packs and tents, all year round.",
        host: "shop.northwind.example.com",
        join: JoinMode::Open,
        sale: Earning::Rate(1000),
        lead: None,
        hold_days: 14,
        weight: 10,
        prices: (2_900, 38_900),
        until: None,
        budget: None,
    },
    Campaign {
        id: "trail-club",
        brand: 0,
        name: "Trail Club",
        description: "Memberships: a sign-up counts, and what a member buys.",
        host: "club.northwind.example.com",
        join: JoinMode::Approval,
        sale: Earning::Rate(800),
        lead: Some(1_200),
        hold_days: 7,
        weight: 6,
        prices: (4_900, 9_900),
        until: None,
        budget: None,
    },
    Campaign {
        id: "lumen-lights",
        brand: 1,
        name: "Lights for every room",
        description: "Lamps and shades. The budget is for the whole campaign.",
        host: "lumen.example.com",
        join: JoinMode::Open,
        sale: Earning::Rate(1250),
        lead: None,
        hold_days: 14,
        weight: 8,
        prices: (1_900, 24_900),
        until: None,
        budget: Some("1400.00"),
    },
    Campaign {
        id: "lumen-smart",
        brand: 1,
        name: "Smart home starter kit",
        description: "One kit, one amount. By invitation.",
        host: "smart.lumen.example.com",
        join: JoinMode::Invite,
        sale: Earning::Flat(2_500),
        lead: None,
        hold_days: 0,
        weight: 4,
        prices: (19_900, 19_900),
        until: Some((70, End::Paused)),
        budget: None,
    },
    Campaign {
        id: "saga-print",
        brand: 2,
        name: "Books in print",
        description: "Everything on the shelves, with a month to send it back.",
        host: "saga.example.com",
        join: JoinMode::Open,
        sale: Earning::Rate(750),
        lead: None,
        hold_days: 30,
        weight: 7,
        prices: (900, 8_900),
        until: None,
        budget: None,
    },
    Campaign {
        id: "saga-summer",
        brand: 2,
        name: "Summer reading",
        description: "Two months of paperbacks.",
        host: "summer.saga.example.com",
        join: JoinMode::Open,
        sale: Earning::Rate(1500),
        lead: None,
        hold_days: 7,
        weight: 5,
        prices: (1_200, 4_900),
        until: Some((60, End::Ended)),
        budget: None,
    },
];

/// A partner.
#[derive(Debug)]
pub(super) struct Partner {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) country: &'static str,
}

const fn partner(id: &'static str, name: &'static str, country: &'static str) -> Partner {
    Partner { id, name, country }
}

/// The strongest first.
pub(super) const PARTNERS: [Partner; 40] = [
    partner("summit-stories", "Summit Stories", "US"),
    partner("dealfinder", "Dealfinder", "DE"),
    partner("paper-lantern", "Paper Lantern", "FR"),
    partner("gear-lab", "The Gear Lab", "US"),
    partner("cosy-corner", "Cosy Corner", "GB"),
    partner("readalong", "Readalong Podcast", "GB"),
    partner("alpenwege", "Alpenwege", "AT"),
    partner("bright-rooms", "Bright Rooms", "NL"),
    partner("nordlys", "Nordlys Magasin", "NO"),
    partner("shelf-life", "Shelf Life", "CA"),
    partner("wanderlust-diaries", "Wanderlust Diaries", "AU"),
    partner("sparfuchs", "Sparfuchs", "DE"),
    partner("la-lampara", "La Lámpara", "ES"),
    partner("hut-to-hut", "Hut to Hut", "CH"),
    partner("bookworm-club", "Bookworm Club", "US"),
    partner("casa-moderna", "Casa Moderna", "IT"),
    partner("trail-mix", "Trail Mix Newsletter", "US"),
    partner("leseratte", "Leseratte", "DE"),
    partner("studio-hygge", "Studio Hygge", "DK"),
    partner("pixel-and-pine", "Pixel & Pine", "SE"),
    partner("campfire-cooks", "Campfire Cooks", "US"),
    partner("le-bon-plan", "Le Bon Plan", "FR"),
    partner("page-turners", "Page Turners", "IE"),
    partner("smart-nest", "Smart Nest", "NL"),
    partner("rucksack-radio", "Rucksack Radio", "GB"),
    partner("kaleidoscope", "Kaleidoscope Blog", "PL"),
    partner("terra-trek", "Terra Trek", "PT"),
    partner("lumi-koti", "Lumi Koti", "FI"),
    partner("storyhouse", "Storyhouse", "US"),
    partner("wohnzeit", "Wohnzeit", "DE"),
    partner("peak-and-pint", "Peak & Pint", "GB"),
    partner("inkspot", "Inkspot", "NZ"),
    partner("veranda", "Veranda", "BE"),
    partner("ridge-runner", "Ridge Runner", "US"),
    partner("biblioteca-viva", "Biblioteca Viva", "ES"),
    partner("tiny-cabin", "Tiny Cabin", "CA"),
    partner("glow-guide", "Glow Guide", "CZ"),
    partner("fernweh", "Fernweh", "DE"),
    partner("margin-notes", "Margin Notes", "US"),
    partner("sunday-hiker", "Sunday Hiker", "GB"),
];
