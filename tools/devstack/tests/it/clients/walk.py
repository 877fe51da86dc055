"""The README's walk by the clients that openapi-python-client made of bff's, tracking's and commission's documents.

The packages bff, tracking and commission stand on PYTHONPATH; BFF_URL, TRACKING_URL and COMMISSION_URL say where the
services are, BRAND_TOKEN and PARTNER_TOKEN who asks. Ends with the line "walked".
"""

import os
import time
from http import HTTPStatus

import bff
import bff.models as models
import commission
import commission.models
import tracking
import tracking.models
from bff.api.campaigns import accept_campaign, activate_campaign, create_campaign, publish_terms
from bff.api.commands import get_command
from bff.api.commissions import list_commissions
from bff.api.evidence import submit_evidence
from bff.api.payments import get_payout, list_balances, list_payouts, request_payout
from bff.api.tracking import bind_click, create_link
from bff.types import UNSET
from commission.api.commissions import list_commissions as list_commissions_there
from tracking.api.events import record_event
from tracking.api.public import follow_link

CAMPAIGN = "spring"
PATIENCE = 30


def client(package, service, token):
    return package.AuthenticatedClient(
        base_url=os.environ[f"{service}_URL"],
        token=os.environ[token],
        raise_on_unexpected_status=True,
    )


def until(what, ask):
    """What `ask` says at last that is true."""
    end = time.monotonic() + PATIENCE
    while not (found := ask()):
        assert time.monotonic() < end, f"{what}: not within {PATIENCE} s"
        time.sleep(0.05)
    return found


def is_a(value, expected):
    assert isinstance(value, expected), f"{type(value).__name__} instead of {expected.__name__}: {value}"
    return value


def done(answer):
    """A write under Prefer: wait that was done, as the command that it was."""
    assert answer.status_code == HTTPStatus.OK, answer
    command = is_a(answer.parsed, models.CommandView)
    assert command.status == "completed", command
    return command


def refused(answer, status, code):
    """A refusal is an error to whoever looks at the status alone, and a problem by its type."""
    assert answer.status_code == status, answer
    problem = is_a(answer.parsed, models.Problem)
    assert (problem.status, problem.code) == (status, code), problem
    return problem


def publish(brand):
    """A campaign that pays ten per cent."""
    created = create_campaign.sync_detailed(
        client=brand,
        prefer="wait=10",
        body=models.CreateCampaign(
            campaign_id=CAMPAIGN, name="Spring sale", currency="USD", allowed_hosts=["shop.example.com"]
        ),
    )
    assert done(created).subject == CAMPAIGN
    plan = models.PlanBody(sale=models.EarningBody(bps=1000), hold_days=0)
    terms = models.PublishTerms(text="Ten per cent of every sale.", window_days=30, plan=plan)
    done(publish_terms.sync_detailed(CAMPAIGN, client=brand, prefer="wait=10", body=terms))
    done(activate_campaign.sync_detailed(CAMPAIGN, client=brand, prefer="wait=10", body=models.NoBody()))


def accept(partner):
    body = models.AcceptCampaign(accepted_terms=True, metadata=models.Metadata.from_dict({"source": "mobile_app"}))
    done(accept_campaign.sync_detailed(CAMPAIGN, client=partner, prefer="wait=10", body=body))
    problem = refused(
        accept_campaign.sync_detailed(CAMPAIGN, client=partner, prefer="wait=10", body=body),
        HTTPStatus.CONFLICT,
        "already_accepted",
    )
    command = is_a(get_command.sync(problem.command_id, client=partner), models.CommandView)
    assert (command.status, command.code) == ("rejected", "already_accepted"), command


def link_and_click(partner, visitor, brand):
    body = models.CreateLink(code="spring-1", campaign_id=CAMPAIGN, target_url="https://shop.example.com/spring")
    done(create_link.sync_detailed(client=partner, prefer="wait=10", body=body))
    answer = follow_link.sync_detailed("spring-1", client=visitor)
    assert answer.status_code == HTTPStatus.FOUND, answer
    assert answer.headers["location"].startswith("https://shop.example.com/spring?click_id="), answer.headers
    click = answer.headers["location"].split("click_id=")[1]
    body = models.BindClick(user_id="visitor-1")
    done(bind_click.sync_detailed(click, client=brand, prefer="wait=10", body=body))


def show_evidence(partner):
    """Without waiting: the command's status says when it is done."""
    accepted = submit_evidence.sync(
        client=partner,
        body=models.SubmitEvidence(
            campaign_id=CAMPAIGN,
            evidence_type="photo",
            file_url="https://example.com/photo.jpg",
            metadata=models.Metadata.from_dict({"description": "Product photo"}),
        ),
    )
    id_ = is_a(accepted, models.Accepted).command_id

    def ended():
        command = is_a(get_command.sync(id_, client=partner), models.CommandView)
        return command.status != "pending" and command

    assert until("the evidence is there", ended).status == "completed"


def purchase(shop):
    """The amount a number, inside the metadata, as in the README; then a second one beside it, and a refund of a part."""
    metadata = tracking.models.Metadata.from_dict({"amount": 100.0, "product_id": "prod456"})
    body = tracking.models.RecordEvent(user_id="visitor-1", event_type="purchase", metadata=metadata)
    recorded = is_a(record_event.sync(client=shop, body=body), tracking.models.EventRecorded)
    assert (recorded.outcome, recorded.campaign_id, recorded.partner_id) == ("attributed", CAMPAIGN, "partner123")
    order = {"user_id": "visitor-1", "campaign_id": CAMPAIGN, "order_id": "order-1"}
    body = tracking.models.RecordEvent(**order, event_type="purchase", amount=1900.5)
    recorded = is_a(record_event.sync(client=shop, body=body), tracking.models.EventRecorded)
    assert recorded.amount.amount == "1900.50", recorded
    body = tracking.models.RecordEvent(**order, event_type="refund", amount="900.50")
    recorded = is_a(record_event.sync(client=shop, body=body), tracking.models.EventRecorded)
    assert recorded.outcome == "refunded", recorded


def commissions(partner, there):
    def settled():
        page = is_a(list_commissions.sync(client=partner, campaign_id=CAMPAIGN), models.PageCommissionView)
        return sorted(item.net for item in page.items) == ["10.00", "100.00"]

    until("two commissions, one of them reduced", settled)
    page = list_commissions_there.sync(client=there, campaign_id=CAMPAIGN)
    assert len(is_a(page, commission.models.PageCommissionItem).items) == 2, page


def payable(partner):
    page = is_a(list_balances.sync(client=partner), models.PageBalanceView)
    assert page.next_cursor in (None, UNSET), page
    [balance] = page.items
    return balance.accounts.payable


def payout(partner):
    until("200.00 of the demo's and 110.00", lambda: payable(partner) == "310.00")
    body = models.RequestPayout(
        amount=150.00,
        currency="USD",
        payment_method=models.PaymentMethod.PAYPAL,
        account_details=models.AccountDetails(email="user@example.com"),
    )
    asked = done(request_payout.sync_detailed(client=partner, prefer="wait=10", body=body))

    def paid():
        payout = is_a(get_payout.sync(asked.subject, client=partner), models.PayoutView)
        return payout.status == "paid" and payout

    assert until("the payout is paid", paid).amount == "150.00"
    [listed] = is_a(list_payouts.sync(client=partner), models.PagePayoutView).items
    assert listed.id == asked.subject
    until("160.00 are left", lambda: payable(partner) == "160.00")
    body.amount = "1000.00"
    again = request_payout.sync_detailed(client=partner, prefer="wait=10", body=body)
    refused(again, HTTPStatus.UNPROCESSABLE_ENTITY, "insufficient_balance")


def mistakes(partner):
    """What is wrong with a request is told by type, and pointed at."""
    body = models.AcceptCampaign(accepted_terms=False)
    answer = accept_campaign.sync_detailed(CAMPAIGN, client=partner, body=body)
    problem = refused(answer, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_body")
    assert [error.pointer for error in problem.errors] == ["/accepted_terms"], problem
    body = models.CreateCampaign(name="Not mine to make", currency="USD", allowed_hosts=["shop.example.com"])
    refused(create_campaign.sync_detailed(client=partner, body=body), HTTPStatus.FORBIDDEN, "forbidden")
    stranger = client(bff, "BFF", "PARTNER_TOKEN")
    stranger.token = "no token"
    refused(list_payouts.sync_detailed(client=stranger), HTTPStatus.UNAUTHORIZED, "unauthorized")


def main():
    brand = client(bff, "BFF", "BRAND_TOKEN")
    partner = client(bff, "BFF", "PARTNER_TOKEN")
    shop = client(tracking, "TRACKING", "BRAND_TOKEN")
    visitor = tracking.Client(base_url=os.environ["TRACKING_URL"], raise_on_unexpected_status=True)
    publish(brand)
    accept(partner)
    link_and_click(partner, visitor, brand)
    show_evidence(partner)
    purchase(shop)
    commissions(partner, client(commission, "COMMISSION", "PARTNER_TOKEN"))
    payout(partner)
    mistakes(partner)
    print("walked")


if __name__ == "__main__":
    main()
