"""What became of inputs, in words: verdicts of outcomes, and the codes that inputs are rejected with."""

from farechain.pages.language import Words

VERDICTS = {
    "ISSUED": Words("invoice issued", "已开票"),
    "RECORDED": Words("recorded", "已登记"),
    "REVERSED": Words("reversed", "已红冲"),
    "APPLIED": Words("command applied", "命令生效"),
    "DRAINED": Words("waiting ones issued", "补开等候票"),
    "DUPLICATE": Words("known already", "重复"),
    "REJECTED": Words("rejected", "已拒绝"),
}

REJECTED = {
    "E_SCHEMA": Words("not an event of this form", "格式不符"),
    "E_SIZE": Words("larger than 64 KiB", "超过 64 KiB"),
    "E_DEPTH": Words("nested too deep", "嵌套过深"),
    "E_SIGNATURE": Words("the signature does not verify", "签名无效"),
    "E_KEY_UNKNOWN": Words("the key is not registered", "密钥未登记"),
    "E_KEY_EXPIRED": Words("the key is not valid any more", "密钥已失效"),
    "E_ROLE": Words("not this signer's to say", "签名方无此权限"),
    "E_CHAIN": Words("signed for another network", "属于其他网络"),
    "E_SHARD": Words("another chain's", "属于其他链"),
    "E_USCC_FORMAT": Words("malformed tax id", "税号格式错误"),
    "E_USCC_CHECKSUM": Words("wrong check digit of the tax id", "税号校验位错误"),
    "E_CODE_FORMAT": Words("malformed invoice code", "发票代码格式错误"),
    "E_CODE_REGION": Words("another region's code", "发票代码地区不符"),
    "E_NUMBER_RANGE": Words("no such number, or none to give", "号码不存在或无号可用"),
    "E_NUMBER_REUSED": Words("numbers granted twice", "号段重复"),
    "E_AMOUNT_NEGATIVE": Words("negative amount", "金额为负"),
    "E_AMOUNT_FLOAT": Words("amount not in whole fen", "金额不是整数分"),
    "E_AMOUNT_OVERFLOW": Words("amount too large", "金额过大"),
    "E_SUM_LINES": Words("the sum is not the ledger's", "合计与账本不符"),
    "E_TAX_MISMATCH": Words("the tax does not come out", "税额不符"),
    "E_RATE_NOT_ALLOWED": Words("rate not allowed on that day", "当日不允许该税率"),
    "E_TIME_NO_OFFSET": Words("time without a zone", "时间缺少时区"),
    "E_TIME_FUTURE": Words("time in the future", "时间在未来"),
    "E_TITLE_REQUIRED": Words("title or tax id missing", "缺少抬头或税号"),
    "E_TITLE_CHARS": Words("title cannot be written so", "抬头字符不允许"),
    "E_PAYMENT_UNKNOWN": Words("no such payment", "付款不存在"),
    "E_PAYMENT_SPENT": Words("payment is in an invoice", "付款已开票"),
    "E_PAYMENT_REFUNDED": Words("payment was refunded", "付款已退"),
    "E_PAYMENT_CONFLICT": Words("same payment, other content", "同一付款内容不一致"),
    "E_SELLER_MIXED": Words("several sellers", "销售方不一致"),
    "E_OVER_INVOICED": Words("more than was paid or is left", "超过可用金额"),
    "E_STATE": Words("not allowed in this state", "当前状态不允许"),
    "E_LOCKED_BY_OTHER": Words("locked by another", "已被他方锁定"),
    "E_RED_EXCEEDS": Words("refund beyond the payment", "退款超过付款"),
    "E_RED_NEEDS_CONFIRM": Words("the other side must confirm", "须对方确认"),
}
"""A code that is not here is shown as it is."""
