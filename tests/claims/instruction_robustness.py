"""Figures that the claims of instruction-robustness compare."""

from functools import cache

import numpy as np

import data
from cosimo.encode import FunctionEncoder, load_encoder
from cosimo.measure import STS, Classification, Retrieval, instruction_robustness, phrasing_spread
from measure.test_instruction_robustness import phrasing_sd

OF_INTENTS = [
    "query: ",
    "Intent of this message: ",
    "What does the customer want? ",
    "A customer of a bank asks: ",
    "Represent this banking question for finding its intent: ",
    "Classify the request of a customer: ",
    "Customer support message: ",
    "Question to the bank: ",
    "Find messages with the same intent: ",
    "Which service does this customer need? ",
    "The following message was sent to a bank. ",
    "User: ",
]


OF_SENTENCES = [
    "sentence: ",
    "Sentence: ",
    "Represent the meaning of this sentence: ",
    "Represent this sentence for judging similarity: ",
    "What does this sentence mean? ",
    "The meaning of the following sentence: ",
    "Text to compare: ",
    "Find sentences that mean the same: ",
    "Encode this sentence: ",
    "Compare by meaning: ",
    "This sentence says: ",
    "text: ",
]


OF_SEARCH = [
    "query: ",
    "Query: ",
    "Represent this question for finding relevant abstracts: ",
    "Which papers answer this question? ",
    "Find abstracts about: ",
    "Question of an aeronautical engineer: ",
    "Search request: ",
    "Retrieve documents that answer: ",
    "I am looking for research on this question: ",
    "Given this question, find relevant papers: ",
    "Literature search: ",
    "Relevant to the question: ",
]


OF_TOPICS = [
    "What is the topic of this news headline: World, Sports, Business or Technology?",
    "Classify this headline as World, Sports, Business or Technology.",
    "Which section does this headline belong to? Choose World, Sports, Business or Technology.",
    "Choose the category of the news below from World, Sports, Business and Technology.",
    "Is this headline about World, Sports, Business or Technology?",
    "You are an editor. Assign this headline to World, Sports, Business or Technology.",
    "Pick one label, World, Sports, Business or Technology, for the following headline.",
    "Read the headline and name its subject (World, Sports, Business, Technology).",
    "News desk: World, Sports, Business, Technology. Where does this headline go?",
    "Label the headline with one of these topics: World, Sports, Business, Technology.",
]


TOPICS = {"World": "World", "Sports": "Sports", "Business": "Business", "Sci/Tech": "Technology"}


def remembering(encoder):
    """The encoder, which encodes a text once: documents are the same under all prompts."""
    known = {}

    def encode(texts):
        new = list(dict.fromkeys(text for text in texts if text not in known))
        if new:
            known.update(zip(new, encoder.encode(new), strict=True))
        return np.stack([known[text] for text in texts])

    return FunctionEncoder(encode, query=encode, dim=encoder.dim)


def tasks(folder):
    """Each task with its phrasings, the side that gets them, and its metric."""
    table = data.parquet("banking77", "banking77").sample(frac=1, random_state=0)
    few = table.groupby(["split", "label"]).head(10)
    train, test = (few[few.split == split] for split in ("train", "test"))
    sides = [list(column) for column in (train.text, train.label, test.text, test.label)]
    parts = [folder / "cranfield" / f"{name}.parquet" for name in ("docs", "queries", "qrels")]
    search = Retrieval.read_tables(*parts, columns={"relevance": "gain"})
    pairs = STS.read(folder / "stsb" / "stsb_en.parquet", where={"split": "test"})
    return {
        "banking77": (Classification(*sides, repeats=1, samples_per_label=2), OF_INTENTS, None, "knn"),
        "stsb": (pairs, OF_SENTENCES, None, "spearman"),
        "cranfield": (search, OF_SEARCH, "query", "ndcg@10"),
    }


def zero_shot(n=150):
    """Phrasing -> (n,) whether SmolLM2-135M-Instruct finds the topic's name likelier than all others."""
    import torch

    from models import smollm2

    table = data.parquet("ag_news", "ag_news").query("split == 'test'")
    model, tokenizer = smollm2().model, smollm2().tokenizer
    labels = [tokenizer(name, add_special_tokens=False).input_ids for name in TOPICS.values()]
    assert {len(ids) for ids in labels} == {1}  # so the likelihood of a name is that of its one token
    truth = [list(TOPICS).index(label) for label in table.label[:n]]
    found = {}
    for phrasing in OF_TOPICS:
        asked = [f"{phrasing}\n\n{title}" for title in table.title[:n]]
        chats = [[{"role": "user", "content": text}] for text in asked]
        texts = [tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats]
        chosen = []
        for start in range(0, n, 15):
            batch = tokenizer(
                texts[start : start + 15],
                return_tensors="pt",
                add_special_tokens=False,
                padding=True,
                padding_side="right",
            )
            last = batch["attention_mask"].sum(dim=1) - 1  # what follows it is padding, which it does not see
            with torch.inference_mode():
                states = model.model(**batch).last_hidden_state[torch.arange(len(last)), last]
                chosen += model.lm_head(states)[:, [token for (token,) in labels]].argmax(dim=1).tolist()
        found[phrasing] = [float(pred == label) for pred, label in zip(chosen, truth, strict=True)]
    return found


def figures(name, report):
    """Units (n,) x 100 of what the claims compare."""
    from claims import pseudo

    X = 100 * report.values
    rows = np.arange(len(X))
    found = {
        f"{name}, spread": pseudo(lambda i: phrasing_sd(X[i])[0], rows),
        f"{name}, spread of equals": pseudo(lambda i: phrasing_sd(X[i])[1], rows),
    }
    if "" in report.phrasings:
        novel = np.array(list(report.phrasings)) != ""
        found[f"{name}, no prompt"] = X[:, ~novel].mean(axis=1)
        found[f"{name}, prompted"] = X[:, novel].mean(axis=1)
    return found


@cache
def measured():
    """Units of every task."""
    encoder, found = remembering(load_encoder("minilm")), {"none": np.zeros(1)}
    for name, (task, phrasings, side, metric) in tasks(data.folder()).items():
        report = instruction_robustness(encoder, task, ["", *phrasings], seen=[""], side=side, metric=metric)
        found |= figures(name, report)
    return found | figures("ag_news", phrasing_spread(zero_shot()))


def run(seed):
    """The figures of every system; nothing in them is random, so each seed gives the same."""
    return measured()
