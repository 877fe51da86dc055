//! Programs that follow links and say so: search engines, and what shows a preview where somebody posts a link.

/// As many bytes of a `User-Agent` are read.
const MAX_READ: usize = 512;

/// By which words of it they are known. Whole words only: `Cubot` makes phones. What browsers within apps say (`Instagram`, `Pinterest`,
/// `LinkedInApp`, `MetaIAB`) is not here, since people look through them. The rest say `bot` in the address that explains them.
const WORDS: &[&str] = &[
    "adsbot",
    "ahrefsbot",
    "amazonbot",
    "applebot",
    "archiver",
    "baiduspider",
    "bingbot",
    "bingpreview",
    "bot",
    "bytespider",
    "cardyb",
    "ccbot",
    "claudebot",
    "crawler",
    "discordbot",
    "duckduckbot",
    "embedly",
    "externalagent",
    "externalfetcher",
    "externalhit",
    "facebookcatalog",
    "facebookexternalhit",
    "facebot",
    "feedfetcher",
    "googlebot",
    "googleother",
    "gptbot",
    "iframely",
    "inspectiontool",
    "linkedinbot",
    "linespider",
    "mastodon",
    "mediapartners",
    "microsoftpreview",
    "perplexitybot",
    "petalbot",
    "pinterestbot",
    "redditbot",
    "searchbot",
    "semrushbot",
    "skypeuripreview",
    "slackbot",
    "slurp",
    "snapurlpreview",
    "storebot",
    "telegrambot",
    "twitterbot",
    "vkshare",
    "yandexbot",
];

/// Whether it is such a program by what it says of itself. Who says nothing, or that it is a browser, is taken for a visitor.
pub(super) fn is_bot(user_agent: &[u8]) -> bool {
    let read = user_agent.get(..MAX_READ).unwrap_or(user_agent);
    let mut words = read.split(|byte| !byte.is_ascii_alphanumeric());
    let known = |word: &[u8]| {
        let mut all = WORDS.iter();
        all.any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
    };
    // It makes previews under its own name alone, and a browser's begins with `Mozilla`.
    read.starts_with(b"WhatsApp/") || words.any(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_itself_is_a_bot_and_people_s_browsers_are_none() {
        for bot in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.0.0 Safari/537.36",
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "Twitterbot/1.0",
            "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
            "TelegramBot (like TwitterBot)",
            "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
            "WhatsApp/2.23.20.0 i",
            "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
            "Pinterest/0.2 (+https://www.pinterest.com/bot.html)",
            "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
        ] {
            assert!(is_bot(bot.as_bytes()), "{bot}");
        }
        for person in [
            "",
            "Mozilla/5.0 (Linux; Android 13; CUBOT_X18) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36",
            "Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 300.0.0.0",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/430.0]",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [Pinterest/iOS]",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [LinkedInApp]/9.28",
            "Mozilla/5.0 (Linux; Android 13; SM-S908B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0 Mobile Safari/537.36 WhatsApp/2.23",
        ] {
            assert!(!is_bot(person.as_bytes()), "{person}");
        }
    }

    #[test]
    fn of_a_long_one_the_beginning_is_read() {
        let long = format!("{} Twitterbot/1.0", "a ".repeat(MAX_READ));
        assert!(!is_bot(long.as_bytes()));
    }
}
