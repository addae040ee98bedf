"""Codes in words that a passenger or a billing operator reads."""

from farechain.pages.language import Words

REASONS = {
    "E_SCHEMA": "not a payment event",
    "E_SIZE": "too large",
    "E_DEPTH": "nested too deep",
    "E_SIGNATURE": "bad signature",
    "E_KEY_UNKNOWN": "unknown key",
    "E_KEY_EXPIRED": "expired key",
    "E_ROLE": "not this signer's to say",
    "E_CHAIN": "another network",
    "E_SHARD": "another chain",
    "E_USCC_FORMAT": "malformed tax id",
    "E_USCC_CHECKSUM": "wrong tax id",
    "E_CODE_FORMAT": "malformed invoice code",
    "E_CODE_REGION": "another region's code",
    "E_NUMBER_RANGE": "wrong number range",
    "E_NUMBER_REUSED": "numbers granted twice",
    "E_AMOUNT_NEGATIVE": "negative amount",
    "E_AMOUNT_FLOAT": "amount not whole fen",
    "E_AMOUNT_OVERFLOW": "amount too large",
    "E_RATE_NOT_ALLOWED": "rate not allowed",
    "E_TIME_NO_OFFSET": "time without zone",
    "E_TIME_FUTURE": "time in the future",
    "E_OVER_INVOICED": "more than was paid",
    "E_PAYMENT_CONFLICT": "same payment, other content",
    "E_RED_EXCEEDS": "refund beyond payment",
    "E_STATE": "not allowed in this state",
}
"""What was refused, by code; a code that is not here is shown as it is."""

STATUSES = {
    "ok": ("Valid", "有效", "good"),
    "reduced": ("Valid, partly reversed", "部分红冲", "good"),
    "void": ("Reversed", "已红冲", "bad"),
    "red": ("Red-letter invoice", "红字发票", "plain"),
}
"""The status of an invoice: English, Chinese, tone."""

FISCAL = {
    "ISSUED": Words("In force", "已开具"),
    "RED_PENDING": Words("Red letter asked for", "红冲待确认"),
    "REVERSED": Words("Reversed", "已全额红冲"),
}
CLAIM = {
    "FREE": Words("Not claimed", "未报销"),
    "LOCKED": Words("Locked for a claim", "报销锁定"),
    "REIMBURSED": Words("Reimbursed", "已报销"),
    "POSTED": Words("Posted", "已入账"),
    "": Words("Red letter", "红字发票"),
}
USE = {
    "NONE": Words("Not deducted", "未用途确认"),
    "CONFIRMED": Words("Use confirmed", "已用途确认"),
}
"""The axes of an invoice (docs/state-machine.md)."""

RED_REASONS = {
    "SALES_RETURN": Words("Refund or return", "销货退回"),
    "ISSUE_ERROR": Words("Issued in error", "开票有误"),
    "SERVICE_SUSPENSION": Words("Service stopped", "服务中止"),
    "SALES_DISCOUNT": Words("Discount", "销售折让"),
    "RETITLED": Words("Retitled", "换开"),
}

RECORDS = {
    "BLUE": Words("Issued", "开具"),
    "CLAIMED": Words("Issued on claim", "申领开具"),
    "RED": Words("Red letter of a refund", "退款红冲"),
    "RED_OF_LINES": Words("Red letter", "红冲"),
    "OWED": Words("Reversal owed", "应红冲登记"),
    "RETITLE": Words("Retitled", "换开"),
    "BIND": Words("Given a holder", "绑定持有人"),
    "TRANSFER": Words("Handed over", "转交"),
    "LOCK": Words("Locked for a claim", "报销锁定"),
    "UNLOCK": Words("Unlocked", "解除锁定"),
    "REIMBURSE": Words("Reimbursed", "报销"),
    "CONFIRM_USE": Words("Use confirmed", "用途确认"),
    "POST": Words("Posted", "入账"),
    "UNPOST": Words("Taken out of the books", "取消入账"),
    "RED_ISSUE": Words("Red letter", "红冲"),
    "RED_REQUEST": Words("Red letter asked for", "申请红冲"),
    "RED_CONFIRM": Words("Red letter agreed", "确认红冲"),
    "RED_REFUSE": Words("Red letter refused", "拒绝红冲"),
    "RED_WITHDRAW": Words("Request withdrawn", "撤回红冲申请"),
    "RED_EXPIRE": Words("Request lapsed", "红冲申请逾期失效"),
    "FREEZE": Words("Frozen", "冻结"),
    "UNFREEZE": Words("Unfrozen", "解除冻结"),
    "ADMIT_ISSUER": Words("Issuer admitted or changed", "开票方准入或变更"),
    "REGISTER_KEY": Words("Key registered", "密钥登记"),
    "RETIRE_KEY": Words("Key retired", "密钥停用"),
    "REVOKE_KEY": Words("Key revoked", "密钥吊销"),
    "ADMIT": Words("Late payments admitted", "准许迟到付款入账"),
    "SCENE_TABLE": Words("Scenes replaced", "场景表更新"),
    "RATE_TABLE": Words("Rates replaced", "税率表更新"),
    "MANDATE": Words("Mandate replaced", "开票授权更新"),
    "GRANT_NUMBERS": Words("Numbers granted", "核发号段"),
    "CLOSE_GRANT": Words("Grant closed", "关闭号段"),
    "APPLY_NUMBERS": Words("Numbers applied for", "申领号码"),
    "REFUSE_NUMBERS": Words("Application refused", "驳回申领"),
    "DELEGATE": Words("Delegation changed", "代理授权变更"),
    "DECLARE": Words("Month declared", "申报"),
    "ACKNOWLEDGE": Words("Declaration acknowledged", "申报受理"),
    "REIMBURSER_POLICY": Words("Reimbursement policy", "报销政策"),
    "BATCH": Words("Several as one", "批量操作"),
    "ATTEST": Words("Outside fact attested", "外部事实存证"),
}
"""Kinds of records and commands."""

ROLES = {
    "BUREAU": Words("Tax bureau", "税务机关"),
    "ISSUER": Words("Issuer", "开票方"),
    "DEVICE": Words("Device", "终端设备"),
    "AGENT": Words("Agent", "代理方"),
    "HOLDER": Words("Holder", "持票人"),
    "REIMBURSER": Words("Reimburser", "报销单位"),
    "AUDITOR": Words("Auditor", "审计"),
}

REFUSED = {
    "E_SIGNATURE": Words(
        "The holder's presentation is missing or not good.", "缺少持有人的出示码，或出示码无效。"
    ),
    "E_OVER_INVOICED": Words("More than is left of the invoice.", "金额超过发票余额。"),
    "E_RED_NEEDS_CONFIRM": Words("Used or posted: ask the other side.", "已抵扣或已入账，须经对方确认。"),
    "E_PRESENTATION": Words("It was presented for something else.", "出示码对应其他报销单或发票。"),
    "E_AMOUNT": Words("An amount is in yuan, such as 6.65.", "金额以元为单位，例如 6.65。"),
    "E_VOUCHER": Words(
        "A voucher has 1 to 64 letters, digits or signs, no spaces.",
        "凭证号应为 1–64 位字母、数字或符号，不含空格。",
    ),
    "E_PERIOD": Words("A period is a month, such as 2026-03.", "会计期间为年月，例如 2026-03。"),
    "E_SCHEMA": Words(
        "Something is missing or malformed; a file must be UTF-8.",
        "字段缺失或格式错误；文件须为 UTF-8 编码。",
    ),
    "E_SIZE": Words("Too large: 60 KB at most.", "内容过大，最多 60 KB。"),
    "E_CURSOR": Words("This page of the list is gone: begin at its first.", "列表已变化，请从第一页开始。"),
    "E_NOTHING_CHOSEN": Words("No invoice is ticked.", "未勾选任何发票。"),
    "E_TOO_MANY": Words("At most 200 at once, or 64 as one.", "一次最多 200 张；整批执行最多 64 张。"),
    "E_NOT_RECORDED": Words(
        "Nothing is known to be recorded: send it again, it is done once.",
        "未确认入账，请重新提交，不会重复执行。",
    ),
    "E_ROLE": Words("This is not yours to do.", "您无权执行此操作。"),
    "E_NO_KEY": Words("No key of yours is kept at these pages.", "本站未保管您的密钥。"),
    "E_STATE": Words("Where it stands now does not permit this.", "当前状态不允许此操作。"),
    "E_LOCKED_BY_OTHER": Words("Another has locked it.", "已被其他单位锁定。"),
    "E_PAYMENT_SPENT": Words("A trip is in an invoice already.", "有行程已开具发票。"),
    "E_PAYMENT_REFUNDED": Words(
        "A trip was refunded: nothing is left of it.", "有行程已退款，无可开票金额。"
    ),
    "E_PAYMENT_UNKNOWN": Words("A trip is not on the ledger yet.", "有行程尚未入账。"),
    "E_RATE_NOT_ALLOWED": Words(
        "The seller has no permitted rate for it now.", "销售方当前无可适用的税率，暂不能开票。"
    ),
    "E_NUMBER_RANGE": Words(
        "No invoice number can be given now: try later.", "暂无可用发票号码，请稍后再试。"
    ),
    "E_TITLE_REQUIRED": Words(
        "A title is needed; of an organisation also its tax id.", "请填写抬头；单位抬头还需税号。"
    ),
    "E_TITLE_CHARS": Words("A title cannot be written like this.", "抬头含有不允许的字符或过长。"),
    "E_USCC_FORMAT": Words("A tax id has 18 letters and digits.", "税号应为 18 位统一社会信用代码。"),
    "E_USCC_CHECKSUM": Words("A character of the tax id is wrong.", "税号校验位不符，请核对。"),
    "E_KEY_UNKNOWN": Words("No such key is registered.", "该密钥未登记。"),
    "E_KEY_EXPIRED": Words("This key is not valid any more.", "该密钥已失效。"),
    "E_NOT_PUBLISHED": Words(
        "Its proof is not published yet: try again in a moment.", "证明尚未发布，请稍候再试。"
    ),
    "E_NOT_FOUND": Words("There is nothing here for you.", "未找到，或不属于您。"),
    "E_FORM": Words("The form is of an earlier session: load the page again.", "表单已过期，请刷新页面。"),
    "E_BUSY": Words("Many ask at once: try again in a moment.", "系统繁忙，请稍候再试。"),
    "E_NO_PRIVATE_STORE": Words("No trips are kept here.", "本站不保存行程信息。"),
    "E_NO_BOOKS": Words("No lists are kept here.", "本站不保存发票列表。"),
    "E_EXTRA": Words("Documents cannot be made here.", "本站暂不能生成版式文件。"),
    "E_CLAIM_ID": Words(
        "A claim number has 1 to 32 letters, digits or signs, no spaces.",
        "报销单号应为 1–32 位字母、数字或符号，不含空格。",
    ),
}
"""Why something was not done, in words; a code that is not here has the line of the refusal alone."""
