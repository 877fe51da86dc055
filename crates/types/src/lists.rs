//! The closed lists that several services mean.

crate::names! {
    /// What a conversion is, and a commission is for.
    pub enum ConversionType {
        /// Something was bought.
        Purchase = "purchase",
        /// Somebody signed up, asked, or the like.
        Lead = "lead",
    }

    /// Where a commission's money stands.
    pub enum EarningStatus {
        /// On hold.
        Pending = "pending",
        /// Earned for good.
        Payable = "payable",
    }

    /// How a payout reaches its partner.
    pub enum PayoutMethod {
        /// To an e-mail address.
        Paypal = "paypal",
        /// To an IBAN.
        BankTransfer = "bank_transfer",
    }

    /// What became of what a partner claims.
    pub enum ClaimStatus {
        /// The brand has to decide.
        Open = "open",
        /// The order is known from who may say so.
        Settled = "settled",
        /// The brand took it for true.
        Accepted = "accepted",
        /// The brand declined it.
        Declined = "declined",
    }

    /// What a partner's money is doing. The name is that in an account's text.
    pub enum AccountType {
        /// Earned, and may still be taken back while it is on hold.
        Pending = "pending",
        /// Earned for good: what a payout can be asked of. Below zero when a reversal came after the payout.
        Payable = "payable",
        /// Reserved for a payout that is under way.
        InTransit = "in_transit",
        /// Has left.
        PaidOut = "paid_out",
        /// Could not be put where it belongs: an operator must look.
        Suspense = "suspense",
    }
}

impl ClaimStatus {
    /// Whether it stays so, however often the order is reported or claimed. What was declined may still be settled.
    pub const fn stays(self) -> bool {
        matches!(self, Self::Settled | Self::Accepted)
    }
}
